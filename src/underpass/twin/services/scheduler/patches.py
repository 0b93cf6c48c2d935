"""EventBridge Scheduler in moto, which keeps schedules and runs none; what the twin could not is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend as Backend

from underpass.schedule_expressions import parse
from underpass.twin.api import patch

TARGETS = ("ecs", "lambda", "sqs")


@patch.wrap(Backend, "create_schedule")
def _create(original: Callable[..., Any], backend: Any, **wanted: Any) -> Any:
    backend.get_schedule_group(wanted["group_name"])  # raises where there is none
    if wanted.get("action_after_completion") == "DELETE":
        raise ValidationException("ActionAfterCompletion DELETE does not work on the twin.")
    _check(wanted)
    return original(backend, **wanted)


@patch.wrap(Backend, "update_schedule")
def _update(original: Callable[..., Any], backend: Any, **wanted: Any) -> Any:
    _check(wanted)
    return original(backend, **wanted)


@patch.wrap(Backend, "delete_schedule_group")
def _delete_group(original: Callable[..., Any], backend: Any, name: str) -> Any:
    backend.get_schedule_group(name)  # raises where there is none
    return original(backend, name)


def _check(wanted: Mapping[str, Any]) -> None:
    """Refuse what Scheduler would refuse, and what the twin would not carry out."""
    expression, zone = wanted["schedule_expression"], wanted["schedule_expression_timezone"]
    try:
        parse(expression, once=True)
    except ValueError as error:
        raise ValidationException(f"Invalid Schedule Expression {expression}: {error}.") from error
    try:
        ZoneInfo(zone or "UTC")
    except (LookupError, ValueError, OSError) as error:
        raise ValidationException(
            f"Provided time zone {zone} is not valid, or this machine does not know it."
        ) from error
    target = wanted["target"]
    service = "".join(target["Arn"].split(":")[2:3])
    ecs = target.get("EcsParameters") or {}
    if service not in TARGETS:
        raise ValidationException(
            f"Target {target['Arn']} does not work on the twin: schedules start tasks of ECS, call "
            "functions and send messages to queues there."
        )
    if service == "ecs" and not ecs.get("TaskDefinitionArn"):
        raise ValidationException("EcsParameters is required for the target ECS.")
    for what, asked in {
        "DeadLetterConfig": target.get("DeadLetterConfig"),
        "PlacementConstraints": ecs.get("PlacementConstraints"),
    }.items():
        if asked:
            raise ValidationException(f"{what} of a schedule does not work on the twin.")
