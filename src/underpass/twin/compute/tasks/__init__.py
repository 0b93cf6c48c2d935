"""One task: its interface, containers and registrations, from start to end."""
