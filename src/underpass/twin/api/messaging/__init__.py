"""What carries events to functions: EventBridge, SQS, Lambda."""
