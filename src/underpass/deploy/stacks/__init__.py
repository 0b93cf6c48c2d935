"""Stacks through the CloudFormation API: as they are, as they change, and what they tell meanwhile."""
