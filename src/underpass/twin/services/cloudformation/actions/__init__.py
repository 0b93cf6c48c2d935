"""The CloudFormation actions: boto3's shapes in, boto3's shapes out."""
