"""EC2's CloudFormation types."""
