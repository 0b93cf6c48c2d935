"""ECS and the scaling of its services, answered from what the twin runs."""
