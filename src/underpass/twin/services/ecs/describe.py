"""Services and tasks as the ECS API and the metadata endpoint describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.services.ecs.model import (
    Container,
    Deployment,
    Launch,
    Phase,
    Rollout,
    Service,
    Task,
)
from underpass.twin.services.ecs.table import Event

WAITING = frozenset({Phase.PROVISIONING, Phase.PENDING})


def moment(seconds: float) -> datetime | None:
    """Return a time as the API's; None where it has not come yet."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def rendered(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have something to say: the API leaves the others out."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def task(task: Task) -> dict[str, Any]:
    """Return a task as DescribeTasks shows it."""
    stopped = task.phase is Phase.STOPPED
    return rendered(
        {
            "taskArn": task.arn,
            "clusterArn": task.cluster_arn,
            "taskDefinitionArn": task.launch.definition,
            "group": task.group,
            "startedBy": task.deployment or task.started_by,
            "lastStatus": str(task.phase),
            "desiredStatus": task.wanted,
            "healthStatus": str(task.health),
            "availabilityZone": task.zone,
            "containerInstanceArn": task.host,
            "launchType": "FARGATE" if task.launch.fargate else "EC2",
            "capacityProviderName": task.launch.capacity_provider,
            "platformVersion": (task.launch.platform_version or "1.4.0")
            if task.launch.fargate
            else "",
            "cpu": str(task.launch.need.cpu),
            "memory": str(task.launch.need.memory_mib),
            "connectivity": "CONNECTED" if task.attachment else "",
            "createdAt": moment(task.created_at),
            "startedAt": moment(task.started_at),
            "stoppingAt": moment(task.stopping_at),
            "executionStoppedAt": moment(task.stopped_at),
            "stoppedAt": moment(task.stopped_at),
            "stopCode": task.stop_code,
            "stoppedReason": task.stopped_reason,
            "version": task.version,
            "attachments": _attachments(task, "DELETED" if stopped else "ATTACHED"),
            "containers": [_container(task, one) for one in task.containers],
            "overrides": dict(task.overrides),
            "tags": [{"key": key, "value": value} for key, value in task.tags],
            "enableExecuteCommand": False,
        }
    )


def _attachments(task: Task, status: str) -> list[dict[str, Any]]:
    if not task.attachment:
        return []
    details = {
        "subnetId": task.attachment.subnet_id,
        "networkInterfaceId": task.attachment.interface_id,
        "macAddress": task.attachment.mac,
        "privateIPv4Address": task.attachment.address,
    }
    return [
        {
            "id": task.attachment.id,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
    ]


def _container(task: Task, one: Container) -> dict[str, Any]:
    interface = task.attachment
    return rendered(
        {
            "containerArn": container_arn(task, one),
            "taskArn": task.arn,
            "name": one.name,
            "image": one.image,
            "runtimeId": one.runtime_id,
            "lastStatus": "PENDING" if one.status in WAITING else str(one.status),
            "healthStatus": str(one.health),
            "exitCode": one.exit_code,
            "reason": one.reason,
            "cpu": str(one.cpu),
            "memory": str(one.memory_mib),
            "networkInterfaces": [
                {"attachmentId": interface.id, "privateIpv4Address": interface.address}
            ]
            if interface
            else [],
        }
    )


def container_arn(task: Task, one: Container) -> str:
    """Return a container's ARN."""
    return f"{task.arn.replace(':task/', ':container/')}/{one.runtime_id[:32]}"


def service(service: Service, tasks: Sequence[Task], events: Sequence[Event]) -> dict[str, Any]:
    """Return what of a service the scheduler knows, as DescribeServices shows it."""
    alive = any(not task.stopped_at for task in tasks)
    ended = service.status != "ACTIVE" and not alive
    return {
        "status": "INACTIVE" if ended else service.status,
        "desiredCount": service.desired,
        **counts(tasks),
        "taskDefinition": service.primary.launch.definition,
        "deployments": [
            _deployment(service, one, [task for task in tasks if task.deployment == one.id])
            for one in ([] if ended else service.deployments)
        ],
        "events": [
            {"id": event.id, "createdAt": moment(event.created_at), "message": event.message}
            for event in events
        ],
    }


def counts(tasks: Sequence[Task]) -> dict[str, int]:
    """Return how many tasks run, and how many are about to."""
    return {
        "runningCount": sum(task.phase is Phase.RUNNING for task in tasks),
        "pendingCount": sum(task.phase in WAITING and task.wanted == "RUNNING" for task in tasks),
    }


def strategy(launch: Launch) -> list[dict[str, Any]]:
    """Return the capacity providers tasks are shared among, as ECS shows them."""
    return [
        {"capacityProvider": one.provider, "weight": one.weight, "base": one.base}
        for one in launch.strategy
    ]


def _deployment(service: Service, one: Deployment, tasks: Sequence[Task]) -> dict[str, Any]:
    primary = one.id == service.primary.id
    network = one.launch.network
    launch_type = "FARGATE" if one.launch.fargate else "EC2"
    return rendered(
        {
            "id": one.id,
            "status": "PRIMARY" if primary else "ACTIVE",
            "taskDefinition": one.launch.definition,
            "desiredCount": service.desired if primary else 0,
            **counts(tasks),
            "failedTasks": one.failed_tasks,
            "createdAt": moment(one.created_at),
            "updatedAt": moment(one.updated_at),
            "rolloutState": str(one.rollout if primary or one.rollout is Rollout.FAILED else ""),
            "rolloutStateReason": one.reason,
            "launchType": None if one.launch.strategy else launch_type,
            "capacityProviderStrategy": strategy(one.launch) or None,
            "platformVersion": one.launch.platform_version,
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(network.subnets),
                    "securityGroups": list(network.groups),
                    "assignPublicIp": "ENABLED" if network.public_address else "DISABLED",
                }
            },
        }
    )


def metadata(region: str, task: Task, definition: Mapping[str, Any], path: str) -> Any:
    """Return what the task's own endpoint answers at ``path``; None where there is nothing."""
    for one in task.containers:
        if path == f"/v4/{one.runtime_id}":
            return _container_metadata(task, one)
        if path in {f"/v4/{one.runtime_id}/task", f"/v4/{one.runtime_id}/taskWithTags"}:
            return _task_metadata(region, task, definition)
    return None


def _task_metadata(region: str, task: Task, definition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Cluster": task.cluster_arn,
        "TaskARN": task.arn,
        "Family": definition["family"],
        "Revision": str(definition["revision"]),
        "ServiceName": task.group.removeprefix("service:") if task.service_arn else "",
        "DesiredStatus": task.wanted,
        "KnownStatus": str(task.phase),
        "Limits": {"CPU": task.launch.need.cpu / 1024, "Memory": task.launch.need.memory_mib},
        "AvailabilityZone": task.zone,
        "Region": region,
        "AccountId": ACCOUNT_ID,
        "LaunchType": "FARGATE" if task.launch.fargate else "EC2",
        "Containers": [_container_metadata(task, one) for one in task.containers],
    }


def _container_metadata(task: Task, one: Container) -> dict[str, Any]:
    family, _, revision = task.launch.definition.rpartition("/")[2].partition(":")
    attachment = task.attachment
    return rendered(
        {
            "DockerId": one.runtime_id,
            "Name": one.name,
            "DockerName": one.name,
            "Image": one.image,
            "Labels": {
                "com.amazonaws.ecs.cluster": task.cluster_arn,
                "com.amazonaws.ecs.container-name": one.name,
                "com.amazonaws.ecs.task-arn": task.arn,
                "com.amazonaws.ecs.task-definition-family": family,
                "com.amazonaws.ecs.task-definition-version": revision,
            },
            "DesiredStatus": task.wanted,
            "KnownStatus": str(one.status),
            "Limits": {"CPU": one.cpu, "Memory": one.memory_mib},
            "CreatedAt": _stamp(task.created_at),
            "StartedAt": _stamp(one.started_at),
            "ExitCode": one.exit_code,
            "Type": "NORMAL",
            "ContainerARN": container_arn(task, one),
            "Networks": [
                {
                    "NetworkMode": "awsvpc",
                    "IPv4Addresses": [attachment.address],
                    "MACAddress": attachment.mac,
                }
            ]
            if attachment
            else [],
        }
    )


def _stamp(seconds: float) -> str | None:
    when = moment(seconds)
    return when.isoformat() if when else None
