"""ECS on the twin: sandboxed processes as containers, and the services that keep them running."""
