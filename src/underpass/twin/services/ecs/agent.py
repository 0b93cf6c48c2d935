"""What the ECS agent does for one task: interface, containers, registration, and an orderly end."""

from __future__ import annotations

import logging
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from underpass.twin.linux import process
from underpass.twin.linux.process import Process, StartError
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import once
from underpass.twin.services.ecs import containers, describe, task_events
from underpass.twin.services.ecs.container_health import Checks
from underpass.twin.services.ecs.environment import Secrets
from underpass.twin.services.ecs.model import Container, Health, Phase, StopCode, Task
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.ecs.task_network import Targets, attach, detach
from underpass.twin.services.logs.awslogs import Stream

log = logging.getLogger(__name__)


class Agent:
    """Runs one placed task from its interface to its end, in a thread of its own."""

    def __init__(self, platform: Platform, task_id: str, definition: Mapping[str, Any]) -> None:
        self._platform = platform
        self._table = platform.table
        self._id = task_id
        self._definition = definition
        self._pulled: dict[str, containers.Pulled] = {}
        self._processes: dict[str, Process] = {}
        self._streams: list[Stream] = []
        self._checks: list[Checks] = []
        self._targets = Targets(platform, task_id)
        self._lock = threading.Lock()
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread: threading.Thread | None = None

    def start(self) -> Agent:
        """Start."""
        self._thread = once(f"task-{self._id[:8]}", self._run)
        return self

    def wake(self) -> None:
        """Look at the task's record again."""
        with self._lock:
            if self._woken >= 0:
                os.eventfd_write(self._woken, 1)

    def terminate(self) -> None:
        """Ask all containers to end, without taking the task out of service first."""
        for one in tuple(self._processes.values()):
            one.signal(signal.SIGTERM)

    def join(self, timeout_s: float) -> None:
        """Wait until the containers have ended; kill them if they take longer."""
        deadline = time.monotonic() + timeout_s
        for one in tuple(self._processes.values()):
            one.ended.wait(max(0.0, deadline - time.monotonic()))
            one.signal(signal.SIGKILL)

    @property
    def ended(self) -> bool:
        """Whether the task has stopped and nothing of it is left."""
        return self._thread is not None and not self._thread.is_alive()

    @property
    def pid(self) -> int | None:
        """The process id of the first container's first process."""
        running = [one for one in tuple(self._processes.values()) if one.exit_code is None]
        return running[0].pid if running else None

    @property
    def _task(self) -> Task:
        task = self._table.task(self._id)
        if task is None:
            raise LookupError(f"task {self._id} is not in the table")
        return task

    def _run(self) -> None:
        try:
            if not self._task.ending:
                self._provision()
            if not self._task.ending:
                self._start_containers()
                self._watch()
        except StartError as error:
            self._stop_for(StopCode.FAILED_TO_START, str(error))
        except Exception as error:
            log.exception("task %s failed", self._id)
            self._stop_for(StopCode.FAILED_TO_START, f"InternalError: {error}")
        try:
            self._end()
        finally:
            for one in self._processes.values():
                one.close()
            with self._lock:  # its number will be somebody else's
                os.close(self._woken)
                self._woken = -1

    def _move(self, phase: Phase, **fields: Any) -> Task:
        task = self._table.change(self._id, phase=phase, **fields)
        log.info("task %s is %s in %s", self._id, phase, task.zone)
        task_events.tell(self._platform.region.name, task)
        self._platform.region.feed.publish(Topic.TASKS)
        return task

    def _stop_for(self, code: StopCode, reason: str) -> None:
        """Record why the task ends, unless somebody wanted it to end before."""

        def stop(task: Task) -> Task:
            if task.wanted == "STOPPED":
                return task
            return replace(task, wanted="STOPPED", stop_code=code, stopped_reason=reason)

        self._table.change_with(self._id, stop)

    def _provision(self) -> None:
        """Make the interface, pull what the containers need, and wait until packets pass."""
        task = self._table.change(self._id, containers=containers.planned(self._definition))
        attachment = attach(self._platform, task)
        task = self._table.change(self._id, attachment=attachment)
        known = Secrets(self._platform.region.clients)
        for one, container in self._containers(task):
            pulled = containers.pull(
                self._platform, task, self._definition, container, one.runtime_id, known
            )
            self._pulled[one.name] = pulled
        try:
            self._platform.networks.wait_up(attachment.interface_id)
        except TimeoutError as error:
            raise StartError(f"ResourceInitializationError: network interface: {error}") from error
        self._move(Phase.PENDING)

    def _containers(self, task: Task) -> Iterable[tuple[Container, Mapping[str, Any]]]:
        return zip(task.containers, self._definition["containerDefinitions"], strict=True)

    def _start_containers(self) -> None:
        task = self._task
        for one, container in self._containers(task):
            self._start_container(task, one, container)
        for one in task.containers:
            self._change_container(one.name, status=Phase.RUNNING)
        self._move(Phase.RUNNING, started_at=time.time())

    def _start_container(
        self, task: Task, container: Container, definition: Mapping[str, Any]
    ) -> None:
        assert task.attachment is not None
        spec = containers.spec(
            self._platform,
            task,
            task.attachment,
            self._definition,
            definition,
            self._pulled[container.name],
            first=container is task.containers[0],
        )
        try:
            stream, output = self._platform.logs.open(containers.destination(task, definition))
        except ClientError as error:
            raise StartError(
                "ResourceInitializationError: failed to validate logger args: create stream has been "
                f"retried 1 times: failed to create Cloudwatch log stream: {error}"
            ) from error
        self._streams.append(stream)
        try:
            started = process.start(spec, output)
        except StartError as error:
            self._change_container(container.name, reason=f"CannotStartContainerError: {error}")
            raise StartError(f"CannotStartContainerError: {error}") from error
        finally:
            os.close(output)
        self._processes[container.name] = started
        if started.listener:
            self._platform.metadata.add(started.listener, self._answer)
        if definition.get("healthCheck"):
            report = partial(self._report, container.name)
            self._checks.append(Checks(definition["healthCheck"], started.pid, report).start())

    def _answer(self, path: str) -> Any:
        return describe.metadata(self._platform.region.name, self._task, self._definition, path)

    def _report(self, name: str, health: Health) -> None:
        self._change_container(name, health=health)
        self.wake()
        self._platform.region.feed.publish(Topic.TASKS)

    def _change_container(self, name: str, **fields: Any) -> None:
        """Change a container, and the task's health with it."""
        checked = {
            c["name"] for c in self._definition["containerDefinitions"] if c.get("healthCheck")
        }

        def change(task: Task) -> Task:
            after = tuple(
                replace(one, **fields) if one.name == name else one for one in task.containers
            )
            seen = {one.health for one in after if one.essential and one.name in checked}
            health = next(
                (bad for bad in (Health.UNHEALTHY, Health.UNKNOWN) if bad in seen),
                Health.HEALTHY if seen else Health.UNKNOWN,
            )
            return replace(task, containers=after, health=health)

        self._table.change_with(self._id, change)

    def _watch(self) -> None:
        """Return once the task is to end: somebody wants it, or an essential container has exited."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        by_handle = {one.handle: name for name, one in self._processes.items()}
        for handle in by_handle:
            poll.register(handle, select.POLLIN)
        while self._task.wanted == "RUNNING":
            if not self._checks or self._task.health is Health.HEALTHY:  # its own check comes first
                self._targets.register()
            for handle, _ in poll.poll():
                if handle == self._woken:
                    os.eventfd_read(self._woken)
                    continue
                poll.unregister(handle)
                self._exited(by_handle[handle])

    def _exited(self, name: str) -> None:
        """Record a container's exit; the task ends with an essential one."""
        self._change_container(name, status=Phase.STOPPED, exit_code=self._processes[name].wait())
        if next(one for one in self._task.containers if one.name == name).essential:
            self._stop_for(StopCode.CONTAINER_EXITED, "Essential container in task exited")

    def _end(self) -> None:
        """Take the task out of its target groups, stop what runs, and give the interface back."""
        task = self._move(Phase.DEACTIVATING, stopping_at=time.time(), wanted="STOPPED")
        for checks in self._checks:
            checks.stop()
        serving = any(one.exit_code is None for one in self._processes.values())
        self._attempt(self._targets.deregister, drain=serving and not task.abrupt)
        self._move(Phase.STOPPING)
        self._attempt(self._stop_processes, abrupt=task.abrupt)
        for stream in self._streams:
            self._platform.logs.finish(stream)
        self._move(Phase.DEPROVISIONING)
        if task.attachment:
            self._attempt(detach, self._platform, task.attachment.interface_id)
        shutil.rmtree(containers.volume_folder(self._platform, self._id), ignore_errors=True)
        self._move(Phase.STOPPED, stopped_at=time.time())

    def _attempt(self, step: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Do a step of the end; one that fails must not keep the others from being done."""
        try:
            step(*arguments, **named)
        except Exception:
            log.exception("ending task %s: %s", self._id, getattr(step, "__name__", step))

    def _stop_processes(self, *, abrupt: bool) -> None:
        """SIGTERM, then SIGKILL for what is left after its stopTimeout."""
        timeouts = {
            c["name"]: c.get("stopTimeout") or containers.STOP_TIMEOUT_S
            for c in self._definition["containerDefinitions"]
        }
        began = time.monotonic()
        for one in self._processes.values():
            one.signal(signal.SIGKILL if abrupt else signal.SIGTERM)
        for name, one in sorted(self._processes.items(), key=lambda pair: timeouts[pair[0]]):
            if one.exit_code is not None:
                continue
            left_s = max(0.0, began + timeouts[name] - time.monotonic())
            if not select.select([one.handle], [], [], left_s)[0]:
                one.signal(signal.SIGKILL)
            self._change_container(name, status=Phase.STOPPED, exit_code=one.wait())
        for one in self._processes.values():
            if one.listener:
                self._platform.metadata.remove(one.listener)
