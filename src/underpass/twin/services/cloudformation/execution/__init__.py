"""How a plan is carried out: what may run when, what each resource needs, and the way back."""
