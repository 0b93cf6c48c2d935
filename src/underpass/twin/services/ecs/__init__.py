"""Amazon ECS: services, tasks and container instances; containers are sandboxed processes."""
