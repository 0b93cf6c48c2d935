"""Load balancers' nodes: how many, where, and how each comes and goes."""
