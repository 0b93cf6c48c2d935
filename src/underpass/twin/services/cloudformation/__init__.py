"""The twin's CloudFormation service: change sets, events, rollback, and what each resource type takes."""
