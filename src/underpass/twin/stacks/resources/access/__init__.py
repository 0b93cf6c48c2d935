"""Who may do what, keys and secrets."""
