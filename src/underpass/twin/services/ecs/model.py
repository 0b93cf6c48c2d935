"""Services, deployments and tasks as values. Times are seconds since the epoch; 0 means not yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """A task's lifecycle: its ``lastStatus``.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
    """

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


ENDING = frozenset({Phase.DEACTIVATING, Phase.STOPPING, Phase.DEPROVISIONING, Phase.STOPPED})


class Health(StrEnum):
    """What a container health check says; UNKNOWN where there is none."""

    UNKNOWN = "UNKNOWN"
    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"


class StopCode(StrEnum):
    """Why a task stopped, as DescribeTasks puts it."""

    FAILED_TO_START = "TaskFailedToStart"
    CONTAINER_EXITED = "EssentialContainerExited"
    USER = "UserInitiated"
    SCHEDULER = "ServiceSchedulerInitiated"
    HOST_LOST = "TerminationNotice"


class Rollout(StrEnum):
    """How far a deployment is."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Need:
    """What a task takes of an instance: CPU units and MiB."""

    cpu: int = 0
    memory_mib: int = 0


@dataclass(frozen=True)
class Host:
    """A container instance.

    ``interfaces`` is how many tasks may have one; ``group`` names its Auto Scaling group.
    """

    arn: str
    instance_id: str
    cluster_arn: str
    zone: str
    cpu: int
    memory_mib: int
    interfaces: int
    draining: bool = False
    group: str = ""


@dataclass(frozen=True)
class Network:
    """awsvpcConfiguration: where a task's interface may be, and its security groups."""

    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    public_address: bool = False


@dataclass(frozen=True)
class LoadBalancer:
    """A target group the tasks of a deployment belong to."""

    target_group: str
    container: str
    port: int


@dataclass(frozen=True)
class Share:
    """A capacity provider of a strategy, with its share of the tasks."""

    provider: str
    weight: int = 0
    base: int = 0


@dataclass(frozen=True)
class Launch:
    """What every task of a deployment is started from, and where it is registered."""

    definition: str
    need: Need = Need()
    network: Network = Network()
    fargate: bool = False
    capacity_provider: str = ""
    strategy: tuple[Share, ...] = ()
    platform_version: str = ""
    balancers: tuple[LoadBalancer, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """One version of a service."""

    id: str
    launch: Launch
    created_at: float
    updated_at: float
    rollout: Rollout = Rollout.IN_PROGRESS
    reason: str = ""
    failed_tasks: int = 0


@dataclass(frozen=True)
class Service:
    """A service: what is wanted of it, and how its deployments go.

    Attributes
    ----------
    deployments
        The primary one first; older ones as long as they have tasks.
    completed
        The last deployment that completed: what a circuit breaker rolls back to.
    failures, retry_at
        Tasks that failed in a row, and when the next may be started because of it.
    grace_s
        How long after its start a task's failed load balancer checks do not count; never shortened.
    propagates
        Whose tags its tasks get: SERVICE's, TASK_DEFINITION's, or nobody's.
    """

    arn: str
    name: str
    cluster_arn: str
    deployments: tuple[Deployment, ...]
    desired: int
    status: str = "ACTIVE"
    created_at: float = 0.0
    min_percent: int = 100
    max_percent: int = 200
    breaker: bool = False
    rollback: bool = False
    rebalancing: bool = True
    grace_s: float = 0.0
    propagates: str = ""
    completed: Deployment | None = None
    failures: int = 0
    retry_at: float = 0.0
    steady: bool = False

    @property
    def primary(self) -> Deployment:
        """The deployment whose tasks are wanted."""
        return self.deployments[0]


@dataclass(frozen=True)
class Container:
    """One container of a task."""

    name: str
    image: str
    runtime_id: str
    essential: bool = True
    cpu: int = 0
    memory_mib: int = 0
    status: Phase = Phase.PENDING
    health: Health = Health.UNKNOWN
    exit_code: int | None = None
    reason: str = ""
    started_at: float = 0.0


@dataclass(frozen=True)
class Attachment:
    """A task's network interface."""

    id: str
    interface_id: str
    subnet_id: str
    vpc_id: str
    address: str
    mac: str


@dataclass(frozen=True)
class Task:
    """One task, from the moment it is wanted until a while after it stopped.

    Attributes
    ----------
    service_arn, deployment
        Empty for a task of RunTask.
    zone, subnet_id, host
        Where it was placed: empty until then; ``host`` (a container instance's ARN) also with Fargate.
    wanted
        desiredStatus: "RUNNING" or "STOPPED".
    abrupt
        Whether it ends without notice, because its instance is gone.
    """

    id: str
    cluster_arn: str
    launch: Launch
    created_at: float
    service_arn: str = ""
    deployment: str = ""
    group: str = ""
    started_by: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[tuple[str, str], ...] = ()
    zone: str = ""
    subnet_id: str = ""
    host: str = ""
    phase: Phase = Phase.PROVISIONING
    wanted: str = "RUNNING"
    abrupt: bool = False
    health: Health = Health.UNKNOWN
    containers: tuple[Container, ...] = ()
    attachment: Attachment | None = None
    started_at: float = 0.0
    healthy_at: float = 0.0
    stopping_at: float = 0.0
    stopped_at: float = 0.0
    stop_code: str = ""
    stopped_reason: str = ""
    version: int = 1

    @property
    def arn(self) -> str:
        """Its ARN in the long form."""
        return f"{self.cluster_arn.replace(':cluster/', ':task/')}/{self.id}"

    @property
    def ending(self) -> bool:
        """Whether it has stopped or is about to."""
        return self.wanted == "STOPPED" or self.phase in ENDING
