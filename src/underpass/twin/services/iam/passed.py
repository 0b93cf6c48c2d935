"""The roles that operations pass to a service, which a caller has to be allowed besides: ``iam:PassRole``.

What a task definition or an instance profile holds is looked up, as its role is passed by its name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from moto.core.utils import camelcase_to_underscores

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation
from underpass.twin.region.backends import NOT_THERE, backend_of
from underpass.twin.region.records import records

_TASKS, _INSTANCES = "ecs-tasks", "ec2"
_TASK_ROLES = ("taskRoleArn", "executionRoleArn")
_DATABASES = ("CreateDBCluster", "CreateDBInstance", "CreateDBInstanceReadReplica")
_RESTORED = (
    *("RestoreDBClusterFromS3", "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime"),
    *(
        "RestoreDBInstanceFromDBSnapshot",
        "RestoreDBInstanceFromS3",
        "RestoreDBInstanceToPointInTime",
    ),
)

# To whom a role is passed, by the service and, after the operations' names, the member that has it. A list
# is followed into, and ``*`` is any member.
_TABLE: Mapping[str, Mapping[str, str]] = {
    "autoscaling": {"CreateAutoScalingGroup LifecycleHookSpecificationList.RoleARN": "autoscaling"}
    | {"PutLifecycleHook RoleARN": "autoscaling"},
    "cloudformation": {
        "ContinueUpdateRollback CreateChangeSet CreateStack DeleteStack RollbackStack UpdateStack "
        "RoleARN": "cloudformation",
        "CreateStackSet UpdateStackSet AdministrationRoleARN": "cloudformation",
    },
    "codebuild": {"CreateProject UpdateProject serviceRole": "codebuild"},
    "config": {"PutConfigurationRecorder ConfigurationRecorder.roleARN": "config"},
    "ec2": {"CreateFlowLogs DeliverLogsPermissionArn": "vpc-flow-logs"},
    "ecs": {f"RegisterTaskDefinition {member}": _TASKS for member in _TASK_ROLES},
    "eks": {"CreateCluster roleArn": "eks", "CreateNodegroup nodeRole": "eks"},
    "events": {"PutRule RoleArn": "events", "PutTargets Targets.RoleArn": "events"},
    "firehose": {
        f"CreateDeliveryStream UpdateDestination {path}": "firehose"
        for path in ("*.RoleARN", "*.*.RoleARN")
    },
    "glue": {
        "CreateCrawler CreateJob CreateSession UpdateCrawler Role": "glue",
        "UpdateJob JobUpdate.Role": "glue",
    },
    "iam": {"AddRoleToInstanceProfile RoleName": _INSTANCES},
    "iot": {"CreateRoleAlias UpdateRoleAlias roleArn": "credentials.iot"},
    "lambda": {"CreateFunction UpdateFunctionConfiguration Role": "lambda"},
    "logs": {
        "PutDestination PutSubscriptionFilter roleArn": "logs",
    },
    "monitoring": {"PutMetricStream RoleArn": "streams.metrics.cloudwatch"},
    "pipes": {"CreatePipe UpdatePipe RoleArn": "pipes"},
    "rds": {
        f"{' '.join((*_DATABASES, *_RESTORED))} ModifyDBCluster ModifyDBInstance "
        "MonitoringRoleArn": "monitoring.rds",
        f"{' '.join((*_DATABASES, *_RESTORED))} ModifyDBCluster ModifyDBInstance "
        "DomainIAMRoleName": "rds",
        "AddRoleToDBCluster AddRoleToDBInstance RemoveRoleFromDBCluster RemoveRoleFromDBInstance "
        "CreateDBProxy ModifyDBProxy RoleArn": "rds",
        "RestoreDBClusterFromS3 RestoreDBInstanceFromS3 S3IngestionRoleArn": "rds",
        "StartExportTask IamRoleArn": "export.rds",
    },
    "scheduler": {"CreateSchedule UpdateSchedule Target.RoleArn": "scheduler"},
    "ssm": {"CreateActivation IamRole": "ssm", "SendCommand ServiceRoleArn": "ssm"},
    "states": {"CreateStateMachine TestState UpdateStateMachine roleArn": "states"},
}
_PROFILE, _TEMPLATE = "IamInstanceProfile", "LaunchTemplate"
_PROFILES = {
    "autoscaling": (f"CreateLaunchConfiguration {_PROFILE}",),
    "ec2": (
        f"AssociateIamInstanceProfile ReplaceIamInstanceProfileAssociation RunInstances {_PROFILE}",
        f"RequestSpotInstances LaunchSpecification.{_PROFILE}",
    ),
}
_GROUPS = "CreateAutoScalingGroup UpdateAutoScalingGroup"
_TEMPLATES = {
    "autoscaling": (
        f"{_GROUPS} {_TEMPLATE}",
        f"{_GROUPS} MixedInstancesPolicy.{_TEMPLATE}.LaunchTemplateSpecification",
    ),
    "ec2": (f"RunInstances {_TEMPLATE}",),
}


def passed(operation: Operation, account: str) -> tuple[Asked, ...]:
    """Return the passing of each role, for what ``operation`` passes."""
    found = dict.fromkeys(_passed(operation, account))
    return tuple(_passing(operation, account, role, service) for role, service in found)


def _passed(operation: Operation, account: str) -> Iterator[tuple[str, str]]:
    """Yield each role, by its ARN or its name, with whom it is passed to."""
    service = operation.service
    for written, principal in _TABLE.get(service, {}).items():
        yield from ((str(role), principal) for role in _named(operation, (written,)))
    if service == "ecs" and operation.name in {"RunTask", "StartTask"}:
        yield from ((role, _TASKS) for role in _of_task(operation, account))
    profiles = [*_named(operation, _PROFILES.get(service, ()))]
    for template in _named(operation, _TEMPLATES.get(service, ())):
        profiles += _of_template(operation, account, template)
    for profile in profiles:
        yield from ((role, _INSTANCES) for role in _of_profile(account, profile))


def _named(operation: Operation, rows: tuple[str, ...]) -> Iterator[Any]:
    """Yield what an operation has at the path behind its name."""
    for row in rows:
        *names, path = row.split()
        if operation.name in names:
            yield from _at(operation.parameters, path.split("."))


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what is at the end of a path and not empty."""
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path)
    elif not path:
        if value:
            yield value
    elif isinstance(value, Mapping):
        names = list(value) if path[0] == "*" else path[:1]
        for name in names:
            yield from _at(value.get(name), path[1:])


@records()
def _of_task(operation: Operation, account: str) -> list[str]:
    """Return the roles of a task: of each kind what the request overrides, or else its definition's."""
    from moto.ecs.models import ecs_backends

    named = str(operation.parameters.get("taskDefinition") or "")
    overrides = operation.parameters.get("overrides") or {}
    definition = None
    with suppress(*NOT_THERE, ValueError):
        definition = backend_of(ecs_backends, account, operation.region).describe_task_definition(
            named
        )
    roles = (
        overrides.get(member) or getattr(definition, camelcase_to_underscores(member), None)
        for member in _TASK_ROLES
    )
    return [str(role) for role in roles if role]


@records()
def _of_template(operation: Operation, account: str, told: Mapping[str, Any]) -> list[Any]:
    """Return the instance profile of a launch template, in the version that is launched."""
    from moto.ec2.models import ec2_backends

    with suppress(*NOT_THERE, ValueError, IndexError):
        held = backend_of(ec2_backends, account, operation.region)
        known = held.launch_template_name_to_ids.get(told.get("LaunchTemplateName"))
        template = held.get_launch_template(told.get("LaunchTemplateId") or known)
        version = template.get_version(told.get("Version") or "$Default")
        return [*_at(version.data, [_PROFILE])]
    return []


@records()
def _of_profile(account: str, profile: Any) -> list[str]:
    """Return the roles of an instance profile that is told by its ARN or its name."""
    from moto.iam.models import iam_backends

    if account not in iam_backends:
        return []
    told = profile if isinstance(profile, Mapping) else {"Arn": profile, "Name": profile}
    return [
        str(role.arn)
        for one in iam_backends[account]["aws"].instance_profiles.values()
        if one.arn == told.get("Arn") or one.name == told.get("Name")
        for role in one.roles
    ]


def _passing(operation: Operation, account: str, role: str, service: str) -> Asked:
    arn = f"arn:{partition(operation.region)}:iam::{account}:role/{role}"
    keys = {"iam:PassedToService": (f"{service}.amazonaws.com",)}
    return Asked("iam:PassRole", role if role.startswith("arn:") else arn, keys)
