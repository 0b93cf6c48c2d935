"""One provider per CloudFormation resource type, a file per service, a folder per purpose.

Providers speak to the twin only through boto3, as a user would. ``resource`` is their common base,
``api`` calls an action with whatever of a resource's properties the action takes (names and types
come from botocore's own service models), ``tagging`` knows each service's way to tag.
"""
