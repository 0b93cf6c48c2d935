"""The database's users: code that runs in AWS Lambda inside the VPC, and stands alone.

Two functions have it. The foundation's makes the application's user, as a custom resource; the service's
changes passwords. Their environment: ``ADMINISTRATOR`` and ``APPLICATION``, two secrets' ARNs; the second's
also ``CLUSTER`` and ``SERVICE``. A template carries ``postgres.txt`` or ``mysql.txt``: ``line``, ``function``
and the protocol of its engine in one text, as `make tables` writes it. See decision 25.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""
