"""Elastic Load Balancing, with what the twin's balancers do and tell."""
