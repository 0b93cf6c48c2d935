"""PrivateLink's CloudFormation types."""
