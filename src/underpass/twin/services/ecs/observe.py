"""How a service's tasks do: from their own state and their targets' health to the scheduler's view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from underpass.twin.services.ecs.model import Health, Phase, Service, Task
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.ecs.scheduler import Condition, Replica

GOOD = frozenset({"healthy", "unavailable"})  # unavailable: the target group's checks are off
States = dict[tuple[str, int], tuple[str, str]]  # (address, port) -> (state, description)


@dataclass(frozen=True)
class Observation:
    """What was seen of a service.

    Attributes
    ----------
    replicas
        Its tasks for the scheduler, by id.
    why
        Why a task is failing, as its stoppedReason will say.
    due
        When a grace period ends whose task is unhealthy.
    """

    replicas: dict[str, Replica] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    due: list[float] = field(default_factory=list)


class Observer:
    """Asks the balancers how the tasks' targets are."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._told: set[str] = set()

    def look(
        self,
        service: Service,
        tasks: Sequence[Task],
        now: float,
        checked: Callable[[Task], bool],
    ) -> Observation:
        """Return how ``tasks`` do; ``checked`` tells whether a task has a health check of its own."""
        seen = Observation()
        running = [task for task in tasks if task.phase is Phase.RUNNING]
        groups = {one.target_group for task in running for one in task.launch.balancers}
        states = {group: self._states(group) for group in groups}
        hosts = self._platform.table.hosts()
        for task in tasks:
            condition, why = judge(task, states, checked=checked(task))
            graced = task.started_at + service.grace_s
            if condition is Condition.FAILING and now < graced:
                seen.due.append(graced)
                condition = Condition.STARTING
            if condition is Condition.FAILING:
                seen.why[task.id] = why
                if task.id not in self._told:
                    self._told.add(task.id)
                    self._platform.table.tell(service.arn, _event(task, why), now)
            host = hosts.get(task.host)
            seen.replicas[task.id] = Replica(
                id=task.id,
                deployment=task.deployment,
                condition=condition,
                zone=task.zone,
                leaving=bool(host and host.draining),
                proven=bool(task.healthy_at),
                born=task.created_at,
            )
        return seen

    def _states(self, group: str) -> States:
        elb = self._platform.region.clients("elbv2")
        try:
            found: Any = elb.describe_target_health(TargetGroupArn=group)
        except ClientError:  # the target group is being deleted
            return {}
        return {
            (one["Target"]["Id"], one["Target"]["Port"]): (
                one["TargetHealth"].get("State", ""),
                one["TargetHealth"].get("Description", "Health checks failed"),
            )
            for one in found["TargetHealthDescriptions"]
        }


def judge(task: Task, states: Mapping[str, States], *, checked: bool) -> tuple[Condition, str]:
    """Return how one task does, grace periods aside, and if it is failing, why.

    ``states`` is what the target groups say of their targets, by the group's ARN.
    """
    if task.ending:
        return Condition.STOPPING, ""
    if task.phase is not Phase.RUNNING or (checked and task.health is Health.UNKNOWN):
        return Condition.STARTING, ""
    if task.health is Health.UNHEALTHY:
        return Condition.FAILING, "Task failed container health checks"
    address = task.attachment.address if task.attachment else ""
    healthy = True
    for balancer in task.launch.balancers:
        state, _ = states.get(balancer.target_group, {}).get((address, balancer.port), ("", ""))
        if state == "unhealthy":
            why = f"Task failed ELB health checks in (target-group {balancer.target_group})"
            return Condition.FAILING, why
        healthy = healthy and state in GOOD
    return (Condition.HEALTHY if healthy else Condition.STARTING), ""


def _event(task: Task, why: str) -> str:
    if "container" in why:
        return f"(task {task.id}) failed container health checks."
    group = why.partition("(target-group ")[2].rstrip(")")
    return f"(task {task.id}) is unhealthy in (target-group {group}) due to (reason Health checks failed)"
