"""What a task's containers wait for (``dependsOn``): when each may start, and in which order they stop.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html
The words for what can never be are those of ECS's agent, which names the containers in brackets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from underpass.twin.services.ecs.model import Container, Health, Phase

Definitions = Sequence[Mapping[str, Any]]

START, HEALTHY, COMPLETE, SUCCESS = "START", "HEALTHY", "COMPLETE", "SUCCESS"
_END = (COMPLETE, SUCCESS)
_NEVER = (
    "dependency graph: failed to resolve container ordering dependency [{on}] for target [{name}]"
)
_TOO_LATE = (
    "dependency graph: container ordering dependency [{on}] for target [{name}] has timed out."
)


def refusal(definitions: Definitions) -> str:
    """Return why ECS does not register these containers together; empty if it does."""
    by_name = {one["name"]: one for one in definitions}
    for name, on, condition in _edges(definitions):
        if on not in by_name:
            return f"Cannot depend on container + '{on}' because it does not exist"
        if condition not in (START, HEALTHY, *_END):
            return f"Invalid condition {condition} of container {name}'s dependency on {on}"
        if condition in _END and by_name[on].get("essential", True):
            return (
                "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
                "container"
            )
        if condition == HEALTHY and not by_name[on].get("healthCheck"):
            return f"A dependency container with HEALTHY condition must have a health check: {on}"
    try:
        TopologicalSorter({name: waited_for(one) for name, one in by_name.items()}).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        return f"Container dependencies should not have a cycle: {circle}"
    return ""


def waited_for(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the containers that one waits for."""
    return tuple(one["containerName"] for one in definition.get("dependsOn") or ())


@dataclass(frozen=True)
class Verdict:
    """Whether a container may start: now, later (look again at ``until``), or for ``why`` never."""

    now: bool = False
    until: float | None = None
    why: str = ""


def judge(
    definition: Mapping[str, Any],
    definitions: Definitions,
    containers: Mapping[str, Container],
    now: float,
) -> Verdict:
    """Return whether the container of ``definition`` may start, as the others are at the moment ``now``."""
    limits = {one["name"]: one.get("startTimeout") or 0 for one in definitions}
    waiting, due = False, list[float]()
    for one in definition.get("dependsOn") or ():
        on, condition = containers[one["containerName"]], one["condition"]
        if _fulfilled(on, condition):
            continue
        named = {"on": on.name, "name": definition["name"]}
        if why := _hopeless(on, condition):
            return Verdict(why=_NEVER.format(**named) + why)
        waiting = True
        if condition != START and on.started_at and limits[on.name]:
            due.append(on.started_at + limits[on.name])
            if due[-1] <= now:
                return Verdict(why=_TOO_LATE.format(**named))
    return Verdict(now=not waiting, until=min(due, default=None))


def _fulfilled(on: Container, condition: str) -> bool:
    match condition:
        case "HEALTHY":
            return on.health is Health.HEALTHY and on.status is Phase.RUNNING
        case "COMPLETE":
            return on.status is Phase.STOPPED and bool(on.started_at)
        case "SUCCESS":
            return on.status is Phase.STOPPED and bool(on.started_at) and on.exit_code == 0
    return bool(on.started_at)


def _hopeless(on: Container, condition: str) -> str:
    """Return why a condition that does not hold never will; empty while it may."""
    if on.status is not Phase.STOPPED:
        return ""
    if not on.started_at:
        return " because dependency will never start"
    if condition == SUCCESS:
        return " as dependency did not exit successfully."
    return " because dependency has exited"  # ECS would wait for ever


def may_stop(name: str, definitions: Definitions, left: Collection[str]) -> bool:
    """Return whether a container may be told to stop: nothing that is ``left`` has waited for it."""
    return not any(one["name"] in left and name in waited_for(one) for one in definitions)


def _edges(definitions: Definitions) -> Iterator[tuple[str, str, str]]:
    for one in definitions:
        for dependency in one.get("dependsOn") or ():
            yield one["name"], dependency["containerName"], dependency["condition"]
