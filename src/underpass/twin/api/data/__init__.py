"""What keeps data: RDS, EFS, S3, Secrets Manager."""
