"""The application's own user of the database: its secret, and the function that makes it.

Tasks get this secret. The master's is for this function, for rotations, and for whoever administers the
database. See docs/decisions/0025-the-applications-own-user.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from troposphere import AWSObject, GetAtt, Ref, Template
from troposphere.ec2 import Route, SecurityGroup, SubnetRouteTableAssociation, VPCEndpoint
from troposphere.kms import Key
from troposphere.rds import DBInstance
from troposphere.secretsmanager import Secret

from underpass.blueprint import database_function
from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.network.vpc import Network
from underpass.blueprint.security_groups import group_id, security_group, to_aws
from underpass.config import Config

FIRST = "application_a"  # rotations go to application_b and back
TIMEOUT_S = 300
# What the function is reached by and reaches others by; it also has to be there when the user is deleted.
_WAYS = (Route, SubnetRouteTableAssociation, VPCEndpoint)
_BY_NAME = ("App", "Public", "S3", "SecretsManager")


class DatabaseUser(AWSObject):  # type: ignore[misc]  # troposphere tells no types of it
    """What the function answers for; other properties than the token tell when it has to look again."""

    resource_type = "Custom::DatabaseUser"
    props: ClassVar[dict[str, Any]] = {
        "ServiceToken": (str, True),
        "ServiceTimeout": (int, False),
        "Instance": (str, True),
        "Secret": (str, True),
    }


def security_group_of(template: Template, config: Config, network: Network) -> SecurityGroup:
    """Add the group of whoever logs in as the administrator: it reaches AWS's APIs, and the database."""
    group = security_group(
        template,
        "DatabaseUserSecurityGroup",
        Ref(network.vpc),
        "Functions that make the database users",
        egress=to_aws(config, GetAtt("EndpointSecurityGroup", "GroupId")),
    )
    hand(template, "DatabaseUserSecurityGroupId", group_id(group))
    return group


def add(
    template: Template,
    config: Config,
    network: Network,
    key: Key,
    *,
    instance: DBInstance,
    administrator: Secret,
    application: Secret,
    group: SecurityGroup,
    after: Sequence[str],
) -> None:
    """Have the user made once the instance is there and ``after`` is done."""
    function = database_function.add(
        template,
        config,
        "DatabaseUser",
        "database-user",
        code="user",
        does="makes the application's user of the database",
        timeout_s=TIMEOUT_S,
        statements=[database_function.with_the_key(["kms:Decrypt"], GetAtt(key, "Arn"))],
        variables={"ADMINISTRATOR": Ref(administrator), "APPLICATION": Ref(application)},
        subnets=list(network.app_subnet_ids),
        group=group_id(group),
    )
    ways = [
        name
        for name, one in template.resources.items()
        if isinstance(one, _WAYS) and name.startswith(_BY_NAME)
    ]
    template.add_resource(
        DatabaseUser(
            "DatabaseUser",
            ServiceToken=GetAtt(function, "Arn"),
            ServiceTimeout=TIMEOUT_S + 60,  # CloudFormation's own is an hour
            Instance=Ref(instance),
            Secret=Ref(application),
            DependsOn=sorted([*after, *ways]),
        )
    )
    hand(template, "DatabaseUserSecretArn", Ref(application))
    hand(template, "DatabaseUserFunctionName", Ref(function))
