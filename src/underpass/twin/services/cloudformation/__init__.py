"""The twin's CloudFormation service: change sets, events, rollback, and a provider per resource type."""
