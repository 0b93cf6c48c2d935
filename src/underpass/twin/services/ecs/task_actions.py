"""ECS's task actions: RunTask, StopTask, ListTasks, DescribeTasks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from moto.ecs.exceptions import InvalidParameterException

from underpass.twin.services.ecs import describe
from underpass.twin.services.ecs.launch import Parameters, launch_from, unsupported
from underpass.twin.services.ecs.model import StopCode, Task
from underpass.twin.services.ecs.table import Table

MOST_AT_ONCE = 10


def run_task(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Want one-off tasks; they are placed and started by the scheduler."""
    backend = response.ecs_backend
    cluster = backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    launch = launch_from(backend, cluster, wanted)
    count = wanted.get("count") or 1
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidParameterException(f"count must be between 1 and {MOST_AT_ONCE}.")
    family = launch.definition.rpartition("/")[2].partition(":")[0]
    made = [
        Task(
            id=uuid.uuid4().hex,
            cluster_arn=cluster.arn,
            launch=launch,
            created_at=time.time(),
            group=wanted.get("group") or f"family:{family}",
            started_by=wanted.get("startedBy") or "",
            overrides=wanted.get("overrides") or {},
            tags=tuple((tag["key"], tag["value"]) for tag in wanted.get("tags") or ()),
        )
        for _ in range(count)
    ]
    for task in made:
        table.put(task)
    return {"tasks": [describe.task(task) for task in made], "failures": []}


def start_task(_: Any, __: Parameters, ___: Table) -> Mapping[str, Any]:
    """Refuse: tasks are placed by the scheduler."""
    raise unsupported("StartTask: use RunTask")


def stop_task(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Want a task stopped."""
    task = _find(response, table, wanted.get("cluster", "default"), wanted["task"])
    if task is None:
        raise InvalidParameterException("The referenced task was not found.")
    if not task.ending:
        reason = wanted.get("reason") or "Task stopped by user"
        task = table.change(
            task.id, wanted="STOPPED", stop_code=StopCode.USER, stopped_reason=reason
        )
    return {"task": describe.task(task)}


def describe_tasks(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """Describe tasks by id or ARN."""
    if not wanted.get("tasks"):
        raise InvalidParameterException("Tasks cannot be empty.")
    found, failures = [], []
    for name in wanted["tasks"]:
        task = _find(response, table, wanted.get("cluster", "default"), name)
        if task is None:
            failures.append({"arn": name, "reason": "MISSING"})
            continue
        described = describe.task(task)
        if "TAGS" not in (wanted.get("include") or ()):
            described.pop("tags", None)
        found.append(described)
    return {"tasks": found, "failures": failures}


def list_tasks(response: Any, wanted: Parameters, table: Table) -> Mapping[str, Any]:
    """List tasks, as ECS does those that are to run unless asked for stopped ones."""
    cluster = response.ecs_backend._get_cluster(wanted.get("cluster", "default"))  # noqa: SLF001
    service = (wanted.get("serviceName") or "").rpartition("/")[2]
    host = (wanted.get("containerInstance") or "").rpartition("/")[2]
    launch_type, family = wanted.get("launchType"), wanted.get("family")

    def asked_for(task: Task) -> bool:
        return (
            task.cluster_arn == cluster.arn
            and task.wanted == (wanted.get("desiredStatus") or "RUNNING")
            and (not service or task.group == f"service:{service}")
            and (not host or task.host.rpartition("/")[2] == host)
            and (not family or f"/{family}:" in task.launch.definition)
            and (not wanted.get("startedBy") or task.started_by == wanted["startedBy"])
            and (not launch_type or task.launch.fargate == (launch_type == "FARGATE"))
        )

    return {"taskArns": [task.arn for task in table.tasks() if asked_for(task)]}


def _find(response: Any, table: Table, cluster: str, name: str) -> Task | None:
    cluster_arn = response.ecs_backend._get_cluster(cluster).arn  # noqa: SLF001
    task = table.task(name)
    return task if task and task.cluster_arn == cluster_arn else None
