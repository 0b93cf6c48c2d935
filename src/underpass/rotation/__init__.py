"""The database's users: code that runs in AWS Lambda inside the VPC, and stands alone.

Two functions have it. The database stack's makes the application's user (``user``), and the service's changes
passwords (``steps``). Their environment: ``ADMINISTRATOR`` and ``APPLICATION``, two secrets' ARNs; the
second's also ``CLUSTER`` and ``SERVICE``. A template carries one of ``*.txt``: ``line``, ``access``, the
protocol of its engine, and what the function does, in one text, as `make tables` writes it. See decision 25.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""
