"""RDS's CloudFormation types."""
