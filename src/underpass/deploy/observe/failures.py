"""Watching for an application that does not come up while the deployment waits for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from underpass.config import Config
from underpass.deploy.clock import Clock
from underpass.deploy.observe import logs, targets, tasks
from underpass.deploy.observe.targets import TargetStatus
from underpass.deploy.target import Target

_EVERY_S = (
    0.3  # how often to look for stopped tasks: a rollback soon deletes what they have written
)
_HEALTH_EVERY_S = 1.0
_STAYS_S = 3.0  # a program that cannot work has mostly ended by then


@dataclass(frozen=True)
class Failure:
    """A task that ended although it should have gone on.

    ``worker`` is whose it is, and empty for the service's own; ``container`` is the one by which it ended,
    where that is not the program itself.
    """

    task: str
    reason: str
    exit_code: int | None
    log: tuple[str, ...] = ()
    worker: str = ""
    container: str = ""

    def __str__(self) -> str:
        which = [f"container {self.container}"] if self.container else []
        code = [] if self.exit_code is None else [f"exit code {self.exit_code}"]
        told = f" ({', '.join([*which, *code])})" if which or code else ""
        whose = f" of worker {self.worker}" if self.worker else ""
        return f"task {self.task}{whose} stopped: {self.reason}{told}"


class Watch:
    """Sees tasks fail while the deployment waits for them, and keeps why and their last log lines.

    Tasks that were there before it count for nothing: they are what is being replaced.

    Parameters
    ----------
    cluster
        Where the tasks run.
    group
        The ARN of the ALB's target group.
    """

    def __init__(
        self, target: Target, config: Config, clock: Clock, cluster: str, group: str
    ) -> None:
        self._target = target
        self._cluster = cluster
        self._group = group
        self._config = config
        self._clock = clock
        self._failures: dict[str, Failure] = {}
        self._running_since: dict[str, float] = {}
        self._unwell: dict[str, str] = {}  # task to what its health check said last
        self._next = self._next_health = clock.now()
        before = self._tasks("STOPPED") + self._tasks("RUNNING")
        self._over = {tasks.task_id(task) for task in before}  # nothing to see in them any more

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The tasks that failed since the watch began, the latest last."""
        return tuple(self._failures.values())

    def look(self, warn: Callable[[str], None], *, at_once: bool = False) -> str:
        """Look at the tasks, and return why to give up; empty while there is hope.

        Parameters
        ----------
        warn
            Called with each new failure.
        at_once
            Look even if the last look was a moment ago.
        """
        now = self._clock.now()
        if now < self._next and not at_once:
            return ""
        self._next = now + _EVERY_S
        news = self._see_stopped(self._tasks("STOPPED"))
        for failure in news:
            warn(str(failure))
        if now < self._next_health and not news and not at_once:
            return ""
        self._next_health = now + _HEALTH_EVERY_S
        behind = targets.describe(self._target.client("elbv2"), self._group)
        running = self._tasks("RUNNING")
        return self._verdict(behind, self._see_running(running, behind))

    def steady(self, worker: str) -> int:
        """Return how many tasks of a worker are well: by its own check, or else by running for a while."""
        now, count = self._clock.now(), 0
        for task in self._tasks("RUNNING"):
            if tasks.program(task, self._config) == worker and task["lastStatus"] == "RUNNING":
                since = self._running_since.setdefault(tasks.task_id(task), now)
                old = tasks.task_id(task) in self._over or now - since >= _STAYS_S
                count += {"HEALTHY": True, "UNHEALTHY": False}.get(
                    task.get("healthStatus", ""), old
                )
        return count

    def gone(self, worker: str) -> int:
        """Return how many tasks of a worker have failed since the watch began."""
        return sum(one.worker == worker for one in self.failures)

    def _see_stopped(self, stopped: list[Any]) -> list[Failure]:
        """Note the tasks that failed, and return the new ones."""
        known = len(self._failures)
        for task in stopped:
            name = tasks.task_id(task)
            if name not in self._over and tasks.failed(task):
                self._note(name, task)
            if task["lastStatus"] == "STOPPED":
                self._over.add(name)
        return list(self.failures[known:])

    def _note(self, name: str, task: Any) -> None:
        """Keep a failure and what is known of it by now; its last lines may come a moment later."""
        reason, health = tasks.stopped_reason(task), self._unwell.get(name)
        program, ours = tasks.program(task, self._config), self._config.name
        container = tasks.failing(task).get("name", program)
        log = logs.tail(self._target.client("logs"), ours, name, program=container)
        before = self._failures.get(name)
        self._failures[name] = Failure(
            name,
            f"{reason}: {health}" if health else reason,
            tasks.exit_code(task),
            log or (before.log if before else ()),
            "" if program == ours else program,
            "" if container == program else container,
        )

    def _see_running(self, running: list[Any], behind: tuple[TargetStatus, ...]) -> int:
        """Return how many new tasks are unwell although they have had their grace period."""
        unwell = {one.address: one.reason for one in behind if one.state == "unhealthy"}
        now, count = self._clock.now(), 0
        for task in running:
            name, address = tasks.task_id(task), tasks.address(task)
            if task["lastStatus"] == "RUNNING" and name not in self._over:
                since = self._running_since.setdefault(name, now)
                if address in unwell:
                    self._unwell[name] = unwell[address]
                    count += now - since >= self._config.service.grace_period
        return count

    def _verdict(self, behind: tuple[TargetStatus, ...], unwell: int) -> str:
        """Say why there is no hope, if that is so; of a worker only ECS's circuit breaker says it.

        Tasks have failed as often as ECS's own circuit breaker allows, or as many as are wanted are unwell
        after their grace period; and not one is healthy.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
        """
        wanted = self._config.service.tasks.min
        if any(one.state == "healthy" for one in behind):
            return ""
        failures = [one for one in self.failures if not one.worker]
        if len(failures) >= min(max(3, math.ceil(wanted / 2)), 200):
            return "no task is healthy"
        if unwell >= max(wanted, 1):
            return f"no task is healthy after its grace period of {self._config.service.grace_period} s"
        return ""

    def _tasks(self, status: str) -> list[Any]:
        ecs = self._target.client("ecs")
        return tasks.of_services(tasks.describe(ecs, self._cluster, status))
