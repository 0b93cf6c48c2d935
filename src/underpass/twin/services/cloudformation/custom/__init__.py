"""Custom resources: what CloudFormation sends their functions, what these answer, and where."""
