"""ECS's CloudFormation types, and Application Auto Scaling's."""
