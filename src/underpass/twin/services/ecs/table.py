"""What runs and what is wanted, shared by the ECS API, the controller and the tasks' agents.

Values go in and out whole; every change is made under one lock.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from underpass.twin.services.ecs.model import Host, Service, Task

STOPPED_KEPT_S = 3600.0  # as ECS: about an hour
MOST_STOPPED = 300
MOST_EVENTS = 100


@dataclass(frozen=True)
class Event:
    """One line of a service's story."""

    id: str
    created_at: float
    message: str


class Table:
    """All services, tasks and container instances of a region."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._services: dict[str, Service] = {}
        self._events: dict[str, deque[Event]] = {}
        self._hosts: dict[str, Host] = {}
        self.clusters_version = 0
        """Grows whenever a cluster, its capacity providers or its container instances may have changed."""

    def clusters_changed(self) -> None:
        """Say that they may have."""
        with self._lock:
            self.clusters_version += 1

    def tasks(self, service_arn: str | None = None) -> list[Task]:
        """Return all tasks, or those of one service, stopped ones included."""
        with self._lock:
            return [
                task
                for task in self._tasks.values()
                if service_arn is None or task.service_arn == service_arn
            ]

    def task(self, task_id: str) -> Task | None:
        """Return a task by its id or ARN."""
        with self._lock:
            return self._tasks.get(task_id.rpartition("/")[2])

    def put(self, task: Task) -> None:
        """Add a task."""
        with self._lock:
            self._tasks[task.id] = task

    def change(self, task_id: str, **fields: Any) -> Task:
        """Change fields of a task and return it."""
        return self.change_with(task_id, lambda task: replace(task, **fields))

    def change_with(self, task_id: str, change: Callable[[Task], Task]) -> Task:
        """Replace a task by what ``change`` makes of it."""
        with self._lock:
            before = self._tasks[task_id]
            after = change(before)
            if after != before:
                after = replace(after, version=before.version + 1)
            self._tasks[task_id] = after
            return after

    def forget_stopped(self, now: float) -> None:
        """Drop tasks that stopped long ago, and the oldest of very many."""
        with self._lock:
            stopped = sorted(
                (task for task in self._tasks.values() if task.stopped_at),
                key=lambda task: -task.stopped_at,
            )
            for position, task in enumerate(stopped):
                if position >= MOST_STOPPED or now - task.stopped_at > STOPPED_KEPT_S:
                    del self._tasks[task.id]

    def services(self) -> list[Service]:
        """Return all services, deleted ones included."""
        with self._lock:
            return list(self._services.values())

    def service(self, arn: str) -> Service | None:
        """Return a service."""
        with self._lock:
            return self._services.get(arn)

    def put_service(self, service: Service) -> None:
        """Add a service; the story of a deleted one of the same name is forgotten."""
        with self._lock:
            self._services[service.arn] = service
            self._events.pop(service.arn, None)

    def change_service(self, arn: str, change: Callable[[Service], Service]) -> Service:
        """Replace a service by what ``change`` makes of it."""
        with self._lock:
            self._services[arn] = change(self._services[arn])
            return self._services[arn]

    def tell(self, service_arn: str, message: str, now: float) -> None:
        """Add ``(service NAME) message`` to a service's story; the same twice in a row is told once."""
        with self._lock:
            service = self._services.get(service_arn)
            if service is None:
                return
            text = f"(service {service.name}) {message}"
            story = self._events.setdefault(service_arn, deque(maxlen=MOST_EVENTS))
            if not story or story[0].message != text:
                story.appendleft(Event(str(uuid.uuid4()), now, text))

    def events(self, service_arn: str) -> list[Event]:
        """Return a service's story, the newest first."""
        with self._lock:
            return list(self._events.get(service_arn, ()))

    def hosts(self) -> Mapping[str, Host]:
        """Return the container instances by ARN."""
        with self._lock:
            return dict(self._hosts)

    def set_hosts(self, hosts: Iterable[Host]) -> bool:
        """Replace the container instances; return whether that changed anything."""
        wanted = {host.arn: host for host in hosts}
        with self._lock:
            changed = wanted != self._hosts
            self._hosts = wanted
            return changed


_attached: list[Table] = []


def attach(table: Table) -> None:
    """Have the API's ECS actions tell and change ``table`` from now on."""
    _attached[:] = [table]


def attached() -> Table:
    """Return the table that the API's ECS actions tell and change."""
    return _attached[0]
