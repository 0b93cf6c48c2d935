"""What is deployed and how it is, gathered through the AWS APIs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.model import Consumer
from underpass.deploy import consumers
from underpass.deploy.observe import jobs, targets, tasks
from underpass.deploy.observe.jobs import JobStatus
from underpass.deploy.observe.targets import TargetStatus
from underpass.deploy.stacks import stack
from underpass.deploy.target import Target

NOT_CREATED = "NOT_CREATED"


@dataclass(frozen=True)
class StackStatus:
    """A stack and its status; ``NOT_CREATED`` when there is none."""

    name: str
    status: str


@dataclass(frozen=True)
class ContainerStatus:
    """A container of a task, and how it is."""

    name: str
    state: str


@dataclass(frozen=True)
class TaskStatus:
    """A task; ``health`` is its state as a target of the ALB, or how far ECS has got with it.

    ``runs`` is the application's own name, a worker's, a job's, or ``release``; ``containers`` are those of
    a task that has several.
    """

    id: str
    runs: str
    zone: str
    address: str
    health: str
    containers: tuple[ContainerStatus, ...] = ()


@dataclass(frozen=True)
class Targets:
    """What the NLB sends to (the ALB's addresses) and what the ALB sends to (the tasks)."""

    nlb: tuple[TargetStatus, ...] = ()
    alb: tuple[TargetStatus, ...] = ()


@dataclass(frozen=True)
class DatabaseStatus:
    """The database instance."""

    id: str
    status: str
    endpoint: str


@dataclass(frozen=True)
class EndpointStatus:
    """A consumer's endpoint: the state of its connection, and the URL the consumer uses."""

    consumer: str
    id: str
    state: str
    url: str


@dataclass(frozen=True)
class Status:
    """One application's deployment."""

    name: str
    stacks: tuple[StackStatus, ...]
    tasks: tuple[TaskStatus, ...]
    targets: Targets
    database: DatabaseStatus | None
    endpoints: tuple[EndpointStatus, ...]
    jobs: tuple[JobStatus, ...] = ()


def status(config: Config, target: Target) -> Status:
    """Return the state of everything of ``config`` on ``target``; what is not there is left out."""
    cloudformation = target.client("cloudformation")
    foundation = stack.describe(cloudformation, f"{config.name}-foundation")
    others = {
        part: stack.describe(cloudformation, f"{config.name}-{part}") for part in _parts(config)
    }
    parts = stack.parts(cloudformation, config.name)
    outputs = foundation.outputs if foundation else {}
    ours = {
        consumer: stack.describe(
            target.client("cloudformation", consumer), f"{config.name}-consumer-{consumer.name}"
        )
        for consumer in config.consumers
    }
    behind = Targets(
        _targets(target, parts.get("NlbTargetGroup"), outputs.get("VpcId", "")),
        _targets(target, parts.get("AlbTargetGroup"), outputs.get("VpcId", "")),
    )
    return Status(
        config.name,
        (
            _stack(f"{config.name}-foundation", foundation),
            *(_stack(f"{config.name}-{part}", found) for part, found in others.items()),
            *(_stack(f"{config.name}-consumer-{c.name}", found) for c, found in ours.items()),
        ),
        _tasks(target, config, parts.get("Cluster"), behind.alb),
        behind,
        _database(target, outputs.get("DatabaseInstanceId")),
        _endpoints(target, parts.get("EndpointService"), ours),
        jobs.statuses(config, target, parts.get("Cluster")),
    )


def _parts(config: Config) -> tuple[str, ...]:
    database = ["database"] if config.instance else []
    addons = [f"addon-{one.label}" for one in config.addons]
    release = ["release"] if config.service.release else []
    rotation = ["rotation"] if config.instance and config.instance.rotates else []
    return ("path", "capacity", *database, *addons, *release, "service", *rotation, "monitoring")


def _stack(name: str, found: stack.Description | None) -> StackStatus:
    return StackStatus(name, found.status if found else NOT_CREATED)


def _targets(target: Target, group: str | None, vpc_id: str) -> tuple[TargetStatus, ...]:
    found = targets.describe(target.client("elbv2"), group)
    unplaced = [one.address for one in found if not one.zone]
    zones = _zones(target, unplaced, vpc_id) if unplaced else {}
    placed = (replace(one, zone=one.zone or zones.get(one.address, "")) for one in found)
    return tuple(sorted(placed, key=lambda one: (one.zone, one.address)))


def _zones(target: Target, addresses: list[str], vpc_id: str) -> dict[str, str]:
    """Return the zones of addresses; another VPC may use the same ones."""
    filters = [
        {"Name": "vpc-id", "Values": [vpc_id]},
        {"Name": "addresses.private-ip-address", "Values": addresses},
    ]
    found = target.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    return {one["PrivateIpAddress"]: one["AvailabilityZone"] for one in found}


def _tasks(
    target: Target, config: Config, cluster: str | None, alb: tuple[TargetStatus, ...]
) -> tuple[TaskStatus, ...]:
    if cluster is None:
        return ()
    health = {one.address: one.state for one in alb}
    described = (
        TaskStatus(
            tasks.task_id(task),
            tasks.program(task, config),
            task.get("availabilityZone", ""),
            address := tasks.address(task),
            health.get(address) or _ecs_says(task),
            _containers(task),
        )
        for task in tasks.describe(target.client("ecs"), cluster, "RUNNING")
        if not jobs.is_run(config, task)
    )
    return tuple(
        sorted(described, key=lambda one: (one.runs != config.name, one.runs, one.zone, one.id))
    )


def _containers(task: Any) -> tuple[ContainerStatus, ...]:
    found = task.get("containers", [])
    if len(found) < 2:  # it is the task
        return ()
    return tuple(ContainerStatus(one["name"], _container_says(one)) for one in found)


def _container_says(container: Any) -> str:
    if container.get("lastStatus") != "STOPPED":
        return _ecs_says(container)
    code, reason = container.get("exitCode"), container.get("reason")
    return f"stopped: {reason}" if reason else f"stopped (exit code {code})"


def _ecs_says(task: Any) -> str:
    """Return how far a task is that is no target of the ALB, and how well, where somebody asks it."""
    phase = str(task["lastStatus"]).lower()
    health = str(task.get("healthStatus", "UNKNOWN")).lower()
    return health if phase == "running" and health != "unknown" else phase


def _database(target: Target, instance_id: str | None) -> DatabaseStatus | None:
    if instance_id is None:
        return None
    rds = target.client("rds")
    try:
        found = rds.describe_db_instances(DBInstanceIdentifier=instance_id)["DBInstances"][0]
    except rds.exceptions.DBInstanceNotFoundFault:
        return None
    endpoint = found.get("Endpoint", {})
    where = f"{endpoint['Address']}:{endpoint['Port']}" if endpoint else ""
    return DatabaseStatus(instance_id, found["DBInstanceStatus"], where)


def _endpoints(
    target: Target, service_id: str | None, ours: Mapping[Consumer, stack.Description | None]
) -> tuple[EndpointStatus, ...]:
    states = {}
    if service_id is not None:
        try:
            states = {
                one["VpcEndpointId"]: one["VpcEndpointState"]
                for one in consumers.connections(target.client("ec2"), service_id)
            }
        except ClientError as error:  # the service is being deleted
            if "NotFound" not in error.response["Error"]["Code"]:
                raise
    described = []
    for consumer, found in ours.items():
        outputs = found.outputs if found else {}
        if endpoint := outputs.get("EndpointId"):
            state = states.get(endpoint, "unknown")
            described.append(EndpointStatus(consumer.name, endpoint, state, outputs.get("Url", "")))
    return tuple(described)
