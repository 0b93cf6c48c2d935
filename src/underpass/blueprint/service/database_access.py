"""What tasks are told of the database: the same variables, whoever's it is, and who may read its secret."""

from __future__ import annotations

from typing import Any

from troposphere import Sub
from troposphere.ecs import Secret

from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, via
from underpass.config.model import Database, ExistingDatabase

# Variable to key of the secret.
VARIABLES = {
    "DATABASE_HOST": "host",
    "DATABASE_PORT": "port",
    "DATABASE_NAME": "dbname",
    "DATABASE_USERNAME": "username",
    "DATABASE_PASSWORD": "password",
}


def secrets(database: Database) -> list[Secret]:
    """Return the variables that ECS reads from the secret when a task starts."""
    existing = database.existing
    secret = existing.secret if existing else given("DatabaseUserSecretArn")
    said = plain(database)
    return [
        # ARN:json-key:version-stage:version-id
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
        Secret(Name=name, ValueFrom=_value(secret, key))
        for name, key in VARIABLES.items()
        if name not in said
    ]


def plain(database: Database) -> dict[str, str]:
    """Return the variables that the file says of an existing database: none of them is secret."""
    existing = database.existing
    if not existing:
        return {}
    said = {
        "DATABASE_HOST": existing.host,
        "DATABASE_PORT": str(database.port),  # also where it is the engine's: a rule opens no other
        "DATABASE_NAME": existing.name,
    }
    return {name: value for name, value in said.items() if value is not None}


def of_existing(existing: ExistingDatabase) -> list[Statement]:
    """Return what lets ECS read the secret of an existing database, whichever key it is encrypted with."""
    read = [allow(["secretsmanager:GetSecretValue"], existing.secret)]
    if not existing.kms_key:
        return read
    condition = via("secretsmanager")  # and for this secret, whatever else the key encrypts
    condition["StringEquals"] |= {"kms:EncryptionContext:SecretARN": existing.secret}
    return [*read, allow(["kms:Decrypt"], existing.kms_key, condition)]


def _value(secret: Any, key: str) -> Any:
    if isinstance(secret, str):
        return f"{secret}:{key}::"
    return Sub(f"${{Secret}}:{key}::", Secret=secret)
