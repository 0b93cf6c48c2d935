"""The ALB: one Envoy for all nodes, told by files."""
