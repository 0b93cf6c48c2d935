"""The application's log, as its tasks write it to CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from underpass.deploy.clock import Clock, Stopped

_AGAIN_S = 0.5
_LATE_MS = 10_000  # a line may show after younger ones of other tasks


@dataclass(frozen=True)
class Line:
    """One line of the log: when, which task, and what it says."""

    time: datetime
    task: str
    text: str


def group(name: str) -> str:
    """Return the log group of the application called ``name``."""
    return f"/underpass/{name}/service"


def read(
    logs: Any, name: str, *, task: str = "", job: str = "", since: datetime | None = None
) -> Iterator[Line]:
    """Yield what the application has written so far, the oldest first.

    Parameters
    ----------
    logs
        A boto3 client for CloudWatch Logs.
    name
        The application.
    task
        A task's id, or the start of one; every task when empty.
    job
        Only this job's tasks; all there are when empty.
    since
        Leave out what is older.
    """
    for event in _events(logs, name, _milliseconds(since), job):
        line = _line(event)
        if line.task.startswith(task):
            yield line


def follow(
    logs: Any,
    name: str,
    clock: Clock,
    *,
    task: str = "",
    job: str = "",
    since: datetime | None = None,
) -> Iterator[Line]:
    """Yield what ``read`` does and then each new line as it comes, until ``clock`` is stopped."""
    start, seen = _milliseconds(since), dict[str, int]()
    while True:
        for event in _events(logs, name, start, job):
            if event["eventId"] not in seen:
                seen[event["eventId"]] = event["timestamp"]
                line = _line(event)
                if line.task.startswith(task):
                    yield line
        start = max(start, max(seen.values(), default=0) - _LATE_MS)
        seen = {event: time for event, time in seen.items() if time >= start}
        try:
            clock.pause(_AGAIN_S)
        except Stopped:
            return


def tail(logs: Any, name: str, task: str, count: int = 100) -> tuple[str, ...]:
    """Return the last lines of one task; none if it wrote nothing or its log is gone."""
    try:
        page = logs.get_log_events(
            logGroupName=group(name),
            logStreamName=f"{name}/{name}/{task}",  # prefix/container/task id
            limit=count,
            startFromHead=False,
        )
    except logs.exceptions.ResourceNotFoundException:
        return ()
    return tuple(event["message"].rstrip("\n") for event in page["events"])


class Tail:
    """The lines of one stream of the application's log, as they come."""

    def __init__(self, logs: Any, name: str, stream: str) -> None:
        self._logs = logs
        self._wanted = {"logGroupName": group(name), "logStreamName": stream, "startFromHead": True}

    def new(self) -> list[str]:
        """Return the lines that have come since the last time; none while there is no stream yet."""
        found: list[str] = []
        while True:
            try:
                page = self._logs.get_log_events(**self._wanted)
            except self._logs.exceptions.ResourceNotFoundException:
                return found
            found += [event["message"].rstrip("\n") for event in page["events"]]
            before, after = self._wanted.get("nextToken"), page["nextForwardToken"]
            self._wanted["nextToken"] = after
            if after == before or not page["events"]:
                return found


def _events(logs: Any, name: str, start: int, job: str = "") -> list[Any]:
    only = {"logStreamNamePrefix": f"{job}/"} if job else {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group(name), startTime=start, **only
    )
    try:
        found = [
            event
            for page in pages
            for event in page["events"]
            if event["logStreamName"].startswith(
                f"{job}/" if job else ""
            )  # the twin's API gives all
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return sorted(found, key=lambda event: event["timestamp"])


def _line(event: Any) -> Line:
    # prefix/container/task id: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    task = event["logStreamName"].rsplit("/", 1)[-1]
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(time, task, event["message"].rstrip("\n"))


def _milliseconds(time: datetime | None) -> int:
    return int(time.timestamp() * 1000) if time else 0
