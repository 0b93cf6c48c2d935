"""The passwords' rotation: the function, who may call it, and when.

The last step of the application's replaces the tasks of the service and of every worker: they read the
password when they start. See docs/decisions/0025-the-applications-own-user.md.
"""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Join, Ref, Template
from troposphere.awslambda import Permission
from troposphere.secretsmanager import RotationRules, RotationSchedule

from underpass.blueprint.cross_stack import given
from underpass.blueprint.database import function
from underpass.blueprint.iam import Statement, allow, arn
from underpass.config import Config
from underpass.config.model import Database

TIMEOUT_S = (
    900  # the most there is: it waits for a database that restarts, and for tasks to be replaced
)

# Which secret each schedule rotates.
SCHEDULES = {
    "RotationSchedule": "DatabaseUserSecretArn",
    "AdministratorRotationSchedule": "DatabaseSecretArn",
}


def add(template: Template, config: Config, database: Database) -> dict[str, Any]:
    """Rotate the application's password and the administrator's; return the outputs."""
    variables = {
        "ADMINISTRATOR": given("DatabaseSecretArn"),
        "APPLICATION": given("DatabaseUserSecretArn"),
        "CLUSTER": given("ClusterName"),
        "SERVICES": Join(",", [given(name) for name in _services(config)]),
    }
    changes = function.add(
        template,
        config,
        "Rotation",
        "rotation",
        code="steps",
        does="changes the database's passwords",
        timeout_s=TIMEOUT_S,
        statements=_permissions(config, function.secrets(variables)),
        variables=variables,
    )
    permission = template.add_resource(
        Permission(
            "RotationPermission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(changes),
            Principal="secretsmanager.amazonaws.com",
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
    for title, secret in SCHEDULES.items():
        template.add_resource(
            RotationSchedule(
                title,
                SecretId=given(secret),
                RotationLambdaARN=GetAtt(changes, "Arn"),
                RotationRules=_rules(database),
                # Not while the first release is on its way: Secrets Manager only tries the function.
                RotateImmediatelyOnUpdate=False,
                DependsOn=permission.title,
            )
        )
    return {"RotationFunctionName": Ref(changes)}


def _rules(database: Database) -> RotationRules:
    """Return when: in the window, or after so many days at an hour Secrets Manager chooses."""
    window = database.rotation_window
    if window:
        return RotationRules(ScheduleExpression=window.schedule, Duration=f"{window.hours}h")
    return RotationRules(AutomaticallyAfterDays=database.rotation_days)


def _services(config: Config) -> list[str]:
    """Return the service stack's outputs that name what keeps tasks running."""
    return ["ServiceName", *(f"{one.title}ServiceName" for one in config.workers)]


def _permissions(config: Config, secrets: list[Any]) -> list[Statement]:
    return [
        allow(["secretsmanager:GetRandomPassword"], "*"),  # knows no resources
        allow(
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            secrets,
        ),
        function.with_the_key(["kms:Decrypt", "kms:GenerateDataKey"], given("KeyArn")),
        allow(
            ["ecs:DescribeServices", "ecs:UpdateService"],
            [arn("ecs", f"service/${{ClusterName}}/${{{name}}}") for name in _services(config)],
        ),
    ]
