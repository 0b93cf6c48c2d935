"""What runs tasks and functions: clusters, services, instances, scaling, Lambda."""
