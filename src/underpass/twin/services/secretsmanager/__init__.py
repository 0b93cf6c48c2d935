"""AWS Secrets Manager, with rotations that run."""
