"""Elastic Load Balancing's CloudFormation types."""
