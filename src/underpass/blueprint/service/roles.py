"""The two roles of a task: what the application itself may do, and what starts it may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from troposphere import Ref, Sub, Template
from troposphere.iam import Role
from troposphere.logs import LogGroup

from underpass.blueprint.addons.outputs import outputs
from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, arn, role, via
from underpass.blueprint.service import database_access, permissions, secrets
from underpass.config import Config
from underpass.config.model.secrets import Source


@dataclass(frozen=True)
class Roles:
    """What a task may do, and what ECS may for it."""

    task: Role
    execution: Role


def add(template: Template, config: Config, logs: LogGroup, read: Iterable[Source]) -> Roles:
    """Add both roles of tasks that write to ``logs`` and ``read`` secrets when they start."""
    return Roles(_task_role(template, config), _execution_role(template, config, logs, read))


def _task_role(template: Template, config: Config) -> Role:
    """Add the role the application itself has: its bucket and its files."""
    statements: list[Statement] = []
    if config.assets:
        bucket = given("BucketName")
        named = "arn:${AWS::Partition}:s3:::${Bucket}"
        statements += [
            allow(["s3:ListBucket"], Sub(named, Bucket=bucket)),
            allow(["s3:GetObject"], Sub(f"{named}/*", Bucket=bucket)),
            _decrypt("s3"),
        ]
    if config.files:
        statements.append(
            allow(
                ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
                arn("elasticfilesystem", "file-system/${Id}", Id=given("FileSystemId")),
                {
                    "ArnEquals": {
                        "elasticfilesystem:AccessPointArn": arn(
                            "elasticfilesystem",
                            "access-point/${Id}",
                            Id=given("AccessPointId"),
                        )
                    }
                },
            )
        )
    if config.service.exec:
        statements += _exec()
    statements += permissions.statements(config)
    return role(
        template,
        "TaskRole",
        "ecs-tasks.amazonaws.com",
        statements,
        managed=[
            *config.service.policies,
            *(one.value for one in outputs(config) if one.kind == "policy"),
        ],
        trust_condition=_ONLY_HERE,
    )


def _exec() -> list[Statement]:
    """Return what the agent of ECS Exec needs inside the task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    channels = (
        "CreateControlChannel",
        "CreateDataChannel",
        "OpenControlChannel",
        "OpenDataChannel",
    )
    return [
        # None of these knows resources.
        allow([*(f"ssmmessages:{name}" for name in channels), "logs:DescribeLogGroups"], "*"),
        allow(
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            arn("logs", "log-group:${ExecLogGroupName}:*"),
        ),
    ]


def _execution_role(
    template: Template, config: Config, logs: LogGroup, read: Iterable[Source]
) -> Role:
    """Add the role ECS starts a task with: pull the image, read the secrets, write the log."""
    repository = given("RepositoryName")
    statements = [
        allow(["ecr:GetAuthorizationToken"], "*"),  # knows no resources
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            arn("ecr", "repository/${Name}", Name=repository),
        ),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            arn("logs", f"log-group:${{{logs.title}}}:*"),
        ),
    ]
    if config.instance:
        statements += [
            allow(["secretsmanager:GetSecretValue"], given("DatabaseUserSecretArn")),
            _decrypt("secretsmanager"),
        ]
    elif config.database and config.database.existing:
        statements += database_access.of_existing(config.database.existing)
    statements += [*_addon_secrets(config), *secrets.statements(read)]
    return role(
        template, "ExecutionRole", "ecs-tasks.amazonaws.com", statements, trust_condition=_ONLY_HERE
    )


def _addon_secrets(config: Config) -> list[Statement]:
    """Return what reads the add-ons' secrets, and decrypts those that say with which key."""
    secrets = [one for one in outputs(config) if one.kind == "secret"]
    if not secrets:
        return []
    read = allow(["secretsmanager:GetSecretValue"], [one.value for one in secrets])
    keyed = [one.value for one in secrets if one.own_key]
    if not keyed:  # AWS's own key lets whoever may read the secret
        return [read]
    # Whichever key it is, it decrypts these alone.
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    condition = via("secretsmanager")
    condition["StringEquals"] |= {"kms:EncryptionContext:SecretARN": keyed}
    return [read, allow(["kms:Decrypt"], arn("kms", "key/*"), condition)]


# ECS assumes the roles for tasks of this account only: no confused deputy.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
_ONLY_HERE = {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}


def _decrypt(service: str) -> Statement:
    return allow(["kms:Decrypt"], given("KeyArn"), via(service))
