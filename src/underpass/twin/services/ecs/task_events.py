"""What ECS tells EventBridge of its tasks: an event for every state they come to.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from underpass.twin.services.ecs import describe
from underpass.twin.services.ecs.model import Task
from underpass.twin.services.events import patches as events

SOURCE, KIND = "aws.ecs", "ECS Task State Change"


def tell(region: str, task: Task) -> None:
    """Tell EventBridge that a task has come to another state."""
    events.publish(region, SOURCE, KIND, detail(task), [task.arn])


def detail(task: Task) -> Mapping[str, Any]:
    """Return the event's detail: the task as DescribeTasks shows it, without its tags, and since when."""
    shown = {key: value for key, value in describe.task(task).items() if key != "tags"}
    found: dict[str, Any] = _plain({**shown, "updatedAt": datetime.now(UTC)})
    found["attachments"] = [{**one, "type": "eni"} for one in found.get("attachments", ())]
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
