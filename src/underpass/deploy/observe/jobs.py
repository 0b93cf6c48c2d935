"""The jobs as they are deployed: when each runs next, and how its last run went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from underpass.config import Config
from underpass.config.model import Job
from underpass.deploy.observe import tasks
from underpass.deploy.stacks import stack
from underpass.errors import UnderpassError
from underpass.schedule_expressions import Rate, parse


class Reachable(Protocol):
    """The place the application is deployed to."""

    def client(self, service: str) -> Any:
        """Return a boto3 client in the provider's account."""


@dataclass(frozen=True)
class Run:
    """One run of a job, as long as ECS tells of it: for an hour after its end. ``began`` is ISO 8601."""

    task: str
    began: str
    state: str
    exit_code: int | None
    reason: str


@dataclass(frozen=True)
class JobStatus:
    """A job; ``next_run`` is ISO 8601 in UTC, and None when it is off or not due any more."""

    name: str
    schedule: str
    timezone: str
    next_run: str | None
    last_run: Run | None


def is_run(config: Config, task: Any) -> bool:
    """Tell whether a task is a job's, and so none of those that serve."""
    return task.get("group") in {job.name for job in config.jobs}


def schedule(config: Config, target: Reachable, job: Job) -> Any:
    """Return a job's schedule as Scheduler describes it; None where it is not deployed."""
    cloudformation = target.client("cloudformation")
    parts = stack.resources(cloudformation, f"{config.name}-service")
    named = parts.get(f"{job.title}Schedule")
    if named is None or "JobGroup" not in parts:
        return None
    scheduler = target.client("scheduler")
    try:
        return scheduler.get_schedule(Name=named, GroupName=parts["JobGroup"])
    except scheduler.exceptions.ResourceNotFoundException:  # being deleted
        return None


def statuses(
    config: Config, target: Reachable, cluster: str | None, now: datetime | None = None
) -> tuple[JobStatus, ...]:
    """Return how each job is; of those that are not deployed there is no next run."""
    now = now or datetime.now(UTC)
    found = []
    for job in config.jobs:
        described = schedule(config, target, job)
        last = _last(config, target, job, cluster) if cluster else None
        due = next_run(described, now) if described else None
        when = due.isoformat() if due else None
        found.append(JobStatus(job.name, job.schedule, job.timezone, when, last))
    return tuple(found)


def next_run(described: Any, now: datetime) -> datetime | None:
    """Return when a schedule is due after ``now``, in UTC; a rate is counted from its last change."""
    if described.get("State") == "DISABLED":
        return None
    expression = parse(described["ScheduleExpression"], once=True)
    if isinstance(expression, Rate):
        began = described.get("LastModificationDate") or described["CreationDate"]
        periods = max(0, (now - began) // timedelta(seconds=expression.seconds)) + 1
        due: datetime = began + timedelta(seconds=expression.seconds * periods)
        return due.astimezone(UTC).replace(microsecond=0)
    return expression.after(now, ZoneInfo(described.get("ScheduleExpressionTimezone") or "UTC"))


def _last(config: Config, target: Reachable, job: Job, cluster: str) -> Run | None:
    ecs = target.client("ecs")
    named = {"cluster": cluster, "family": config.family(job.name)}
    try:
        arns = [
            arn
            for state in ("RUNNING", "STOPPED")
            for arn in ecs.list_tasks(**named, desiredStatus=state)["taskArns"]
        ]
        found = ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"] if arns else []
    except ecs.exceptions.ClusterNotFoundException:  # being deleted
        return None
    if not found:
        return None
    return run(job, max(found, key=lambda task: task["createdAt"]))


def run(job: Job, task: Any) -> Run:
    """Return a run as its task tells of it: the exit code is the job's own container's."""
    own = [one for one in task.get("containers", ()) if one.get("name") == job.name]
    code = own[0].get("exitCode") if own else None
    stopped = task["lastStatus"] == "STOPPED"
    reason = tasks.stopped_reason(task) if stopped else ""
    detail = own[0].get("reason", "") if own and stopped else ""
    told = f"{reason}: {detail}" if detail and detail not in reason else reason
    began = task["createdAt"].astimezone(UTC).isoformat(timespec="seconds")
    return Run(tasks.task_id(task), began, task["lastStatus"].lower(), code, told)


def named(config: Config, name: str) -> Job:
    """Return the job of that name.

    Raises
    ------
    UnderpassError
        When there is none; names those there are.
    """
    for job in config.jobs:
        if job.name == name:
            return job
    names = ", ".join(job.name for job in config.jobs)
    raise UnderpassError(
        f"there is no job {name}",
        f"underpass.toml has {names}" if names else "underpass.toml has no [[jobs]]",
        "name one of them" if names else "add a [[jobs]] section and deploy it",
    )
