"""A deployment seen through the AWS APIs: its state, its log, and why it does not come up."""
