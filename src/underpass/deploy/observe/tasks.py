"""The service's tasks, as ECS describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from underpass.config import Config

_AT_ONCE = 100  # tasks a call describes
_TOLD_TO_END = (137, 143)  # the exit codes after SIGKILL and SIGTERM


def describe(ecs: Any, cluster: str, status: str) -> Iterator[Any]:
    """Yield the tasks whose desired status is RUNNING or STOPPED; none when the cluster is gone."""
    try:
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status)
        arns = [arn for page in pages for arn in page["taskArns"]]
        for start in range(0, len(arns), _AT_ONCE):
            found = ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + _AT_ONCE])
            yield from found["tasks"]
    except ecs.exceptions.ClusterNotFoundException:  # deleted, or rolled back meanwhile
        return


def task_id(task: Any) -> str:
    """Return the id at the end of a task's ARN."""
    return str(task["taskArn"]).rsplit("/", 1)[-1]


def of_services(found: Iterable[Any]) -> list[Any]:
    """Return the tasks that a service keeps running; not those that are meant to end, as a job's are."""
    return [task for task in found if task.get("group", "").startswith("service:")]


def program(task: Any, config: Config) -> str:
    """Return what a task of the application runs: its own name, a worker's, a job's or ``release``."""
    family = str(task.get("taskDefinitionArn", "")).rpartition("/")[2].partition(":")[0]
    return family.removeprefix(config.family("")) or config.name


def address(task: Any) -> str:
    """Return the private address of the task's interface; empty until it has one."""
    details = {
        detail["name"]: detail["value"]
        for attachment in task.get("attachments", [])
        for detail in attachment.get("details", [])
    }
    return str(details.get("privateIPv4Address", ""))


def failing(task: Any) -> Any:
    """Return the container by which a task ended, as far as can be told; an empty one if it has none.

    Those that were told to end, or killed because they did not, came after it.
    """
    its_own_end = "essential container" in task.get("stoppedReason", "").lower()

    def rank(container: Any) -> int:
        code = container.get("exitCode")
        if code in (None, 0, *_TOLD_TO_END):
            if code is None:
                return 1 if container.get("reason") else 4
            return 2 if (code == 0) is its_own_end else 3
        return 0

    return min(task.get("containers", []), key=rank, default={})


def exit_code(task: Any) -> int | None:
    """Return the exit code of the container by which the task ended."""
    code = failing(task).get("exitCode")
    return None if code is None else int(code)


def stopped_reason(task: Any) -> str:
    """Return why the task stopped, in the words of ECS or else of one of its containers."""
    reasons = [container.get("reason") for container in task.get("containers", [])]
    return task.get("stoppedReason") or next(filter(None, reasons), "no reason given")


def failed(task: Any) -> bool:
    """Return whether a task ended on its own or for being unwell, not because it was told to.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    reason = task.get("stoppedReason", "").lower()
    return (
        task.get("stopCode") in ("EssentialContainerExited", "TaskFailedToStart")
        or "health check" in reason
        or "essential container" in reason
    )
