"""The password's rotation: the function, who may call it, and when.

In the service stack, because the last step of a rotation replaces the tasks: they read the password when
they start. See docs/decisions/0010-rotation-through-rds.md.
"""

from __future__ import annotations

from troposphere import GetAtt, Ref, Sub, Template
from troposphere.awslambda import Code, Environment, Function, LoggingConfig, Permission
from troposphere.logs import LogGroup
from troposphere.secretsmanager import RotationRules, RotationSchedule

from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.cross_stack import given
from underpass.blueprint.iam import Statement, allow, arn, role
from underpass.blueprint.inline import shipped
from underpass.blueprint.logs import log_group
from underpass.config import Config

RUNTIME = "python3.13"
MEMORY_MIB = 256
TIMEOUT_S = 300  # RDS takes about a minute to set a password

_WHY_NOT = {
    "CKV_AWS_115": "One rotation at a time; reserving concurrency fails in an account that has 10",
    "CKV_AWS_116": "Secrets Manager waits for each step and tries a failed rotation again itself",
    "CKV_AWS_117": "It calls AWS only, and never the database",
    "CKV_AWS_173": "The variables are names; Lambda encrypts them with a key of its own",
}


def add(template: Template, config: Config, days: int) -> None:
    """Rotate the database's password every ``days`` days."""
    logs = log_group(template, config, "RotationLogGroup", "rotation")
    permissions = _permissions(logs)
    execution = role(template, "RotationRole", "lambda.amazonaws.com", permissions)
    secret = given("DatabaseSecretArn")
    function = template.add_resource(
        Function(
            "RotationFunction",
            Description=f"{config.name}: changes the database's password",
            Runtime=RUNTIME,
            Architectures=["arm64"],
            Handler="index.handler",
            Code=Code(ZipFile=source()),
            MemorySize=MEMORY_MIB,
            Timeout=TIMEOUT_S,
            Role=GetAtt(execution, "Arn"),
            LoggingConfig=LoggingConfig(LogGroup=Ref(logs)),
            Environment=Environment(
                Variables={
                    "SECRET": secret,
                    "DATABASE": given("DatabaseInstanceId"),
                    "CLUSTER": given("ClusterName"),
                    "SERVICE": Ref("Service"),
                }
            ),
            Metadata=skipped(_WHY_NOT),
        )
    )
    permission = template.add_resource(
        Permission(
            "RotationPermission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(function),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
    template.add_resource(
        RotationSchedule(
            "RotationSchedule",
            SecretId=secret,
            RotationLambdaARN=GetAtt(function, "Arn"),
            RotationRules=RotationRules(AutomaticallyAfterDays=days),
            # Not while the first release is on its way: Secrets Manager only tries the function.
            RotateImmediatelyOnUpdate=False,
            DependsOn=permission.title,
        )
    )


def source() -> str:
    """Return the function's code, as it is shipped inside the template."""
    return shipped("underpass.rotation")


def _permissions(logs: LogGroup) -> list[Statement]:
    secret = given("DatabaseSecretArn")
    database = arn("rds", "db:${Id}", Id=given("DatabaseInstanceId"))
    via = Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")
    return [
        allow(["secretsmanager:GetRandomPassword"], "*"),  # knows no resources
        allow(
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            secret,
        ),
        allow(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            given("KeyArn"),
            {"StringEquals": {"kms:ViaService": via}},
        ),
        allow(["rds:DescribeDBInstances", "rds:ModifyDBInstance"], database),
        allow(["ecs:UpdateService"], Ref("Service")),
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            arn("logs", f"log-group:${{{logs.title}}}:*"),
        ),
    ]
