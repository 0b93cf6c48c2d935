"""Amazon ECR: what stands for a container image."""
