"""A room per AWS service: what moto lacks, what makes it real, and its CloudFormation types."""
