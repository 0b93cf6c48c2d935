"""The function that changes the database's password: code that runs in AWS Lambda, and stands alone.

It asks RDS to set the password instead of connecting to the database: no driver, no way into the VPC, and
the same for every engine. Its environment: ``SECRET`` (its ARN), ``DATABASE`` (the instance's identifier),
``CLUSTER`` and ``SERVICE``. ``index`` is shipped inside the template, as ``shipped.txt`` has it.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""
