"""Load balancers, their target groups and listeners."""
