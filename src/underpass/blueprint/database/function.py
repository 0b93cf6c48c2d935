"""A function that logs in to the database, in the VPC: the one that makes its user, and the one of rotations.

Both have the same way in, and one each is in its stack: each has rights and a moment of its own.
See docs/decisions/0025-the-applications-own-user.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.awslambda import Code, Environment, Function, LoggingConfig, VPCConfig

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.iam import Statement, allow, arn, role
from underpass.blueprint.inline import shipped
from underpass.blueprint.logs import log_group
from underpass.config import Config
from underpass.config.model import Database

RUNTIME = "python3.13"
MEMORY_MIB = 256
PROTOCOLS = {"postgres": "postgres", "mysql": "mysql", "mariadb": "mysql"}

# What Lambda puts a function into a VPC with, and which of it knows resources. Which interfaces they will
# be nobody knows, and Lambda wants the whole of this account's.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
_LOOKS = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
_WHY_NOT = {
    "CKV_AWS_115": "One run at a time; reserving concurrency fails in an account that has 10",
    "CKV_AWS_116": "Its caller waits for it and is told when it fails",
    "CKV_AWS_173": "The variables are names; Lambda encrypts them with a key of its own",
}


def add(
    template: Template,
    config: Config,
    title: str,
    part: str,
    *,
    code: str,
    does: str,
    timeout_s: int,
    statements: Sequence[Statement],
    variables: Mapping[str, Any],
) -> Function:
    """Add the function ``title`` + ``Function`` with its role and its log group ``part``.

    ``code`` is what it does: a module of ``underpass.rotation``.
    ``variables`` are its environment, of which ADMINISTRATOR and APPLICATION are the secrets it may read.
    """
    logs = log_group(template, config, f"{title}LogGroup", part)
    execution = role(
        template,
        f"{title}Role",
        "lambda.amazonaws.com",
        [
            *statements,
            allow(["secretsmanager:GetSecretValue"], secrets(variables)),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                arn("logs", f"log-group:${{{logs.title}}}:*"),
            ),
            allow(_INTERFACES, arn("ec2", "*/*")),
            allow(_LOOKS, "*"),
        ],
    )
    return template.add_resource(
        Function(
            f"{title}Function",
            Description=f"{config.name}: {does}",
            Runtime=RUNTIME,
            Architectures=["arm64"],
            Handler="index.handler",
            Code=Code(ZipFile=source(code, config.instance)),
            MemorySize=MEMORY_MIB,
            Timeout=timeout_s,
            Role=GetAtt(execution, "Arn"),
            LoggingConfig=LoggingConfig(LogGroup=Ref(logs)),
            Environment=Environment(Variables=dict(variables)),
            VpcConfig=VPCConfig(
                SubnetIds=given_list("AppSubnetIds"),
                SecurityGroupIds=[given("DatabaseUserSecurityGroupId")],
            ),
            Metadata=skipped(_WHY_NOT),
        )
    )


def secrets(variables: Mapping[str, Any]) -> list[Any]:
    """Return the ARNs of the two secrets."""
    return [variables["ADMINISTRATOR"], variables["APPLICATION"]]


def with_the_key(actions: Sequence[str], key_arn: object) -> Statement:
    """Let the key be used for secrets, by way of Secrets Manager."""
    via = Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")
    return allow(actions, key_arn, {"StringEquals": {"kms:ViaService": via}})


def source(code: str, database: Database | None) -> str:
    """Return a function's code, as it is shipped inside a template: with its engine's protocol."""
    assert database
    return shipped("underpass.rotation", f"{code}-{PROTOCOLS[database.engine]}")
