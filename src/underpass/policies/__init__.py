"""What IAM policies allow."""
