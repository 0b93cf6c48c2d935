"""The application's own user of the database: the function that makes it.

Tasks get this secret. The master's is for this function, for rotations, and for whoever administers the
database. See docs/decisions/0025-the-applications-own-user.md.
"""

from __future__ import annotations

from typing import Any, ClassVar

from troposphere import AWSObject, GetAtt, Ref, Template

from underpass.blueprint.cross_stack import given, hand
from underpass.blueprint.database import function
from underpass.config import Config

TIMEOUT_S = 300


class DatabaseUser(AWSObject):  # type: ignore[misc]  # troposphere tells no types of it
    """What the function answers for; other properties than the token tell when it has to look again."""

    resource_type = "Custom::DatabaseUser"
    props: ClassVar[dict[str, Any]] = {
        "ServiceToken": (str, True),
        "ServiceTimeout": (int, False),
        "Instance": (str, True),
        "Secret": (str, True),
    }


def add(template: Template, config: Config) -> None:
    """Have the user made, and looked after when the instance or the secret is another."""
    application = given("DatabaseUserSecretArn")
    made_by = function.add(
        template,
        config,
        "DatabaseUser",
        "database-user",
        code="user",
        does="makes the application's user of the database",
        timeout_s=TIMEOUT_S,
        statements=[function.with_the_key(["kms:Decrypt"], given("KeyArn"))],
        variables={"ADMINISTRATOR": given("DatabaseSecretArn"), "APPLICATION": application},
    )
    template.add_resource(
        DatabaseUser(
            "DatabaseUser",
            ServiceToken=GetAtt(made_by, "Arn"),
            ServiceTimeout=TIMEOUT_S + 60,  # CloudFormation's own is an hour
            Instance=given("DatabaseInstanceId"),
            Secret=application,
        )
    )
    hand(template, "DatabaseUserFunctionName", Ref(made_by))
