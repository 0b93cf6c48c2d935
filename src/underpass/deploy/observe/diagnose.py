"""Why an application does not come up: what ECS, the load balancers and its own log say."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from underpass.config import Config
from underpass.deploy.observe import logs
from underpass.deploy.observe.failures import Failure
from underpass.deploy.observe.status import Status, TaskStatus, status
from underpass.deploy.observe.targets import TargetStatus
from underpass.deploy.stacks import stack
from underpass.deploy.target import Target
from underpass.errors import UnderpassError

_EVENTS = 3
_LINES = 20
_UNWELL = ("unhealthy", "initial", "unused", "draining", "unavailable")


def diagnose(
    config: Config, target: Target, what: str, because: str, failures: Sequence[Failure]
) -> UnderpassError:
    """Return the error a user can act on.

    Parameters
    ----------
    what
        What did not happen.
    because
        What is known already; first in the explanation.
    failures
        The tasks that were seen to fail.
    """
    found = status(config, target)
    why = [because] if because else []
    if failures:
        why.append(_counted(failures))
        why += _unwell("the ALB", found.targets.alb, ("unhealthy",))
    else:
        why += _path(config, found)
        why += [] if found.targets.alb else _service_events(config, target)
    why += _log(config, target, found, failures)
    return UnderpassError(
        what, "\n".join(why), "change what is wrong and run the command again; it goes on from here"
    )


def _counted(failures: Sequence[Failure]) -> str:
    if len(failures) == 1:
        return str(failures[0])
    return f"{len(failures)} tasks failed; the last: {failures[-1]}"


def _path(config: Config, found: Status) -> list[str]:
    """Return what is wrong: with the tasks, or else at each hop on the way to them."""
    alb, nlb = found.targets.alb, found.targets.nlb
    if not _serving(config, found) and config.service.tasks.min:
        return ["no task runs"]
    if not alb:
        return ["the ALB has no target: no task is registered"]
    if not any(one.state == "healthy" for one in alb):  # what comes before it cannot be judged
        return _unwell("the ALB", alb, ("unhealthy",)) or _unwell("the ALB", alb)
    told = [] if nlb else ["the NLB has no target: the registrar has not registered the ALB yet"]
    told += _unwell("the NLB", nlb) + _unwell("the ALB", alb)
    told += [
        f"endpoint of {one.consumer}: {one.state}"
        for one in found.endpoints
        if one.state != "available"
    ]
    return told


def _serving(config: Config, found: Status) -> list[TaskStatus]:
    """Return the tasks of the service itself."""
    return [one for one in found.tasks if one.runs == config.name]


def _unwell(
    balancer: str, targets: Sequence[TargetStatus], states: Collection[str] = _UNWELL
) -> list[str]:
    return [
        f"{balancer}'s target {one.address}:{one.port} is {one.state}: {one.reason}"
        for one in targets
        if one.state in states
    ]


def _service_events(config: Config, target: Target) -> list[str]:
    """Return the newest messages of the ECS service, the oldest first."""
    parts = stack.resources(target.client("cloudformation"), f"{config.name}-capacity")
    if "Cluster" not in parts:
        return []
    ecs = target.client("ecs")
    try:
        names = ecs.list_services(cluster=parts["Cluster"])["serviceArns"]
    except ecs.exceptions.ClusterNotFoundException:  # being deleted
        return []
    if not names:
        return []
    described: Any = ecs.describe_services(cluster=parts["Cluster"], services=names[:1])
    events = [e for service in described["services"] for e in service.get("events", [])][:_EVENTS]
    return [f"ECS: {event['message']}" for event in reversed(events)]


def _log(config: Config, target: Target, found: Status, failures: Sequence[Failure]) -> list[str]:
    """Return the last lines of the task that failed last, or of one that runs."""
    told = next((one for one in reversed(failures) if one.log), None)
    if told:
        return _lines(told.task, told.log)
    running = sorted(
        _serving(config, found),
        key=lambda one: (one.health != "unhealthy", one.health == "healthy"),
    )
    names = [one.task for one in reversed(failures)] + [one.id for one in running]
    if not names:
        return []
    return _lines(names[0], logs.tail(target.client("logs"), config.name, names[0]))


def _lines(task: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return [f"the log of task {task} is empty"]
    return [f"the last lines of task {task}:", *(f"| {line}" for line in folded(lines)[-_LINES:])]


def folded(lines: Sequence[str]) -> list[str]:
    """Return lines with the last one only of a run that differs in its numbers, such as health checks."""
    kept = []
    for _, alike in groupby(lines, key=lambda line: re.sub(r"\d+", "0", line)):
        first, *others = alike
        kept.append(f"{others[-1]}  (and {len(others)} like it before)" if others else first)
    return kept
