"""Health checks: asking targets, from the nodes that would use them."""
