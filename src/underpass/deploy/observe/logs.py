"""The application's log, as its tasks write it to CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from underpass.deploy.clock import Clock, Stopped

_AGAIN_S = 0.5
_LATE_MS = 10_000  # a line may show after younger ones of other tasks


@dataclass(frozen=True)
class Line:
    """One line of the log: when, which task, what it says, and which of its containers."""

    time: datetime
    task: str
    text: str
    container: str = ""


@dataclass(frozen=True)
class Stream:
    """The log of one task: ``prefix/container/task id`` in a log group.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """

    group: str
    prefix: str
    container: str
    task: str = ""

    def of(self, task_arn: str) -> Stream:
        """Return the log of that task instead."""
        return replace(self, task=task_arn.rpartition("/")[2])

    @property
    def name(self) -> str:
        """The stream's name in its group."""
        return f"{self.prefix}/{self.container}/{self.task}"


class Tail:
    """Reads what is added to a stream, from its beginning on."""

    def __init__(self, logs: Any, stream: Stream) -> None:
        self._logs = logs
        self._asked = {"logGroupName": stream.group, "logStreamName": stream.name}

    def new(self) -> list[str]:
        """Return the lines that were added since the last call; none while there is no stream."""
        lines: list[str] = []
        while True:
            try:
                page = self._logs.get_log_events(**self._asked, startFromHead=True)
            except self._logs.exceptions.ResourceNotFoundException:
                return lines
            lines += [event["message"].rstrip("\n") for event in page["events"]]
            before = self._asked.get("nextToken")
            self._asked["nextToken"] = page["nextForwardToken"]
            if page["nextForwardToken"] == before or not page["events"]:
                return lines


def group(name: str, container: str = "") -> str:
    """Return the log group of the application called ``name``; what runs before a release has its own."""
    return f"/underpass/{name}/{'release' if container == 'release' else 'service'}"


def read(
    logs: Any, name: str, *, task: str = "", container: str = "", since: datetime | None = None
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
    container
        A container's name; every one when empty.
    since
        Leave out what is older.
    """
    for event in _events(logs, name, _milliseconds(since), container):
        line = _line(event)
        if line.task.startswith(task) and container in ("", line.container):
            yield line


def follow(
    logs: Any,
    name: str,
    clock: Clock,
    *,
    task: str = "",
    container: str = "",
    since: datetime | None = None,
) -> Iterator[Line]:
    """Yield what ``read`` does and then each new line as it comes, until ``clock`` is stopped."""
    start, seen = _milliseconds(since), dict[str, int]()
    while True:
        for event in _events(logs, name, start, container):
            if event["eventId"] not in seen:
                seen[event["eventId"]] = event["timestamp"]
                line = _line(event)
                if line.task.startswith(task) and container in ("", line.container):
                    yield line
        start = max(start, max(seen.values(), default=0) - _LATE_MS)
        seen = {event: time for event, time in seen.items() if time >= start}
        try:
            clock.pause(_AGAIN_S)
        except Stopped:
            return


def tail(
    logs: Any, name: str, task: str, count: int = 100, *, program: str = ""
) -> tuple[str, ...]:
    """Return the last lines of one task; none if it wrote nothing or its log is gone.

    ``program`` is whose lines where they are not the application's own: a worker's, or a sidecar's.
    """
    stream = Stream(group(name), program or name, program or name, task)
    try:
        page = logs.get_log_events(
            logGroupName=stream.group,
            logStreamName=stream.name,
            limit=count,
            startFromHead=False,
        )
    except logs.exceptions.ResourceNotFoundException:
        return ()
    return tuple(event["message"].rstrip("\n") for event in page["events"])


def _events(logs: Any, name: str, start: int, container: str) -> list[Any]:
    only = {"logStreamNamePrefix": f"{container}/"} if container else {}
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group(name, container), startTime=start, **only
    )
    try:
        found = [event for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return sorted(found, key=lambda event: event["timestamp"])


def _line(event: Any) -> Line:
    # prefix/container/task id: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    container, task = ("", *event["logStreamName"].split("/"))[-2:]
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(time, task, event["message"].rstrip("\n"), container)


def _milliseconds(time: datetime | None) -> int:
    return int(time.timestamp() * 1000) if time else 0
