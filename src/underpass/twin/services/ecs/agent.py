"""What the ECS agent does for one task: interface, containers, registration, and an orderly end."""

from __future__ import annotations

import logging
import math
import os
import select
import shutil
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from underpass.twin.linux import process
from underpass.twin.linux.process import Process, StartError
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import once
from underpass.twin.services.ecs import containers, credentials, dependencies, describe, task_events
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
        self._definitions = {one["name"]: one for one in definition["containerDefinitions"]}
        self._pulled: dict[str, containers.Pulled] = {}
        self._processes: dict[str, Process] = {}
        self._poll = select.poll()
        self._by_handle: dict[int, str] = {}
        self._streams: list[Stream] = []
        self._checks: dict[str, Checks] = {}
        self._hurried = False
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
        self._hurried = True
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
    def pids(self) -> dict[str, int]:
        """The process id of each container's first process, by its name, as the definition lists them."""
        running = dict(self._processes)
        found = ((name, running.get(name)) for name in self._definitions)
        return {name: one.pid for name, one in found if one and one.exit_code is None}

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
                self._run_containers()
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
        for role in ("taskRoleArn", "executionRoleArn"):
            if self._definition.get(role):
                credentials.check(self._definition[role], task.arn)
        attachment = attach(self._platform, task)
        task = self._table.change(self._id, attachment=attachment)
        known = Secrets(
            self._platform.region.clients, self._definition.get("executionRoleArn", ""), self._id
        )
        for one in task.containers:
            container = self._definitions[one.name]
            pulled = containers.pull(
                self._platform, task, self._definition, container, one.runtime_id, known
            )
            self._pulled[one.name] = pulled
        try:
            self._platform.networks.wait_up(attachment.interface_id)
        except TimeoutError as error:
            raise StartError(f"ResourceInitializationError: network interface: {error}") from error
        self._move(Phase.PENDING)

    def _run_containers(self) -> None:
        """Start each container when it may, and return once the task is to end.

        That is when somebody wants it, or when an essential container has exited or cannot start.
        """
        self._poll.register(self._woken, select.POLLIN)
        while self._task.wanted == "RUNNING":
            again_at = self._start_what_may()
            self._serve()
            if self._task.wanted == "RUNNING":
                self._await_news(again_at)

    def _start_what_may(self) -> float | None:
        """Start the containers for which others have come far enough; return when to look again at most."""
        due: list[float] = []
        while (task := self._task).wanted == "RUNNING":
            by_name, now = {one.name: one for one in task.containers}, time.time()
            verdicts = {
                one.name: dependencies.judge(
                    self._definitions[one.name],
                    self._definition["containerDefinitions"],
                    by_name,
                    now,
                )
                for one in task.containers
                if one.status is Phase.PENDING
            }
            due = [one.until for one in verdicts.values() if one.until is not None]
            decided = next((name for name, one in verdicts.items() if one.now or one.why), None)
            if decided is None:
                break
            if verdicts[decided].why:
                self._never(by_name[decided], verdicts[decided].why)
            else:
                self._start_container(task, by_name[decided])
        return min(due, default=None)

    def _never(self, container: Container, why: str) -> None:
        """Record that a container cannot start; the task ends with an essential one.

        ECS gives it the exit code of one that was told to end.
        """
        told = {"exit_code": containers.TERMINATED, "reason": f"CannotStartContainerError: {why}"}
        self._change_container(container.name, status=Phase.STOPPED, **told)
        if container.essential:
            self._stop_for(StopCode.FAILED_TO_START, f"Task failed to start: {why}")

    def _serve(self) -> None:
        """Let the task run once no container is to be started any more, and serve once it is well."""
        task = self._task
        if task.wanted != "RUNNING" or any(one.status is Phase.PENDING for one in task.containers):
            return
        if task.phase is Phase.PENDING:
            task = self._move(Phase.RUNNING, started_at=time.time())
        if not self._checked or task.health is Health.HEALTHY:  # its own check comes first
            self._targets.register()

    @property
    def _checked(self) -> set[str]:
        """The essential containers whose checks are the task's own."""
        return {
            name
            for name, one in self._definitions.items()
            if one.get("healthCheck") and one.get("essential", True)
        }

    def _await_news(self, again_at: float | None) -> None:
        """Wait until a container exits or changes its health, somebody wakes us, or it is ``again_at``."""
        wait_ms = None if again_at is None else max(0.0, again_at - time.time()) * 1000 + 1
        for handle, _ in self._poll.poll(wait_ms):
            if handle == self._woken:
                os.eventfd_read(self._woken)
                continue
            self._poll.unregister(handle)
            self._exited(self._by_handle[handle])

    def _start_container(self, task: Task, container: Container) -> None:
        definition = self._definitions[container.name]
        assert task.attachment is not None
        spec = containers.spec(
            self._platform,
            task,
            task.attachment,
            self._definition,
            definition,
            self._pulled[container.name],
            first=not self._processes,
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
            told = f"CannotStartContainerError: {error}"
            self._change_container(container.name, status=Phase.STOPPED, reason=told)
            if container.essential:
                raise StartError(told) from error
            return
        finally:
            os.close(output)
        self._processes[container.name] = started
        self._by_handle[started.handle] = container.name
        self._poll.register(started.handle, select.POLLIN)
        self._change_container(container.name, status=Phase.RUNNING, started_at=time.time())
        if started.listener:
            self._platform.metadata.add(started.listener, self._answer)
        if definition.get("healthCheck"):
            report = partial(self._report, container.name)
            checks = Checks(definition["healthCheck"], started.pid, report)
            self._checks[container.name] = checks.start()

    def _answer(self, path: str) -> Any:
        region, task, role = (
            self._platform.region.name,
            self._task,
            self._definition.get("taskRoleArn"),
        )
        if role and path == credentials.path(task):
            return credentials.answer(region, task, role)
        return describe.metadata(region, task, self._definition, path)

    def _report(self, name: str, health: Health) -> None:
        self._change_container(name, health=health)
        self.wake()
        self._platform.region.feed.publish(Topic.TASKS)

    def _change_container(self, name: str, **fields: Any) -> None:
        """Change a container, and the task's health with it."""
        checked = self._checked

        def change(task: Task) -> Task:
            after = tuple(
                replace(one, **fields) if one.name == name else one for one in task.containers
            )
            seen = {one.health for one in after if one.name in checked}
            health = next(
                (bad for bad in (Health.UNHEALTHY, Health.UNKNOWN) if bad in seen),
                Health.HEALTHY if seen else Health.UNKNOWN,
            )
            return replace(task, containers=after, health=health)

        self._table.change_with(self._id, change)

    def _exited(self, name: str) -> None:
        """Record a container's exit; the task ends with an essential one."""
        if name in self._checks:
            self._checks.pop(name).stop()
        self._change_container(name, status=Phase.STOPPED, exit_code=self._processes[name].wait())
        if next(one for one in self._task.containers if one.name == name).essential:
            self._stop_for(StopCode.CONTAINER_EXITED, "Essential container in task exited")

    def _end(self) -> None:
        """Take the task out of its target groups, stop what runs, and give the interface back."""
        task = self._move(Phase.DEACTIVATING, stopping_at=time.time(), wanted="STOPPED")
        for checks in self._checks.values():
            checks.stop()
        serving = all(one.status is Phase.RUNNING for one in task.containers if one.essential)
        hurried = task.abrupt or self._hurried
        self._attempt(self._targets.deregister, drain=serving and not hurried)
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
        """End what runs: each container once none is left that has waited for it.

        SIGTERM, then SIGKILL after its stopTimeout; whoever goes abruptly has no time for either.
        """
        left = {name: one for name, one in self._processes.items() if one.exit_code is None}
        kill_at: dict[str, float] = {}
        while left:
            for name, one in left.items():
                if abrupt:
                    one.signal(signal.SIGKILL)
                elif name not in kill_at and self._may_stop(name, left):
                    one.signal(signal.SIGTERM)
                    kill_at[name] = time.monotonic() + self._stop_timeout_s(name)
            handles = {one.handle: name for name, one in left.items()}
            next_s = min(kill_at.values(), default=math.inf)
            left_s = None if next_s == math.inf else max(0.0, next_s - time.monotonic())
            ended = select.select([*handles], [], [], left_s)[0]
            for handle in ended:
                name = handles[handle]
                code = left.pop(name).wait()
                kill_at.pop(name, None)
                self._change_container(name, status=Phase.STOPPED, exit_code=code)
            for name in [name for name, at in kill_at.items() if at <= time.monotonic()]:
                left[name].signal(signal.SIGKILL)
                kill_at[name] = math.inf
        for one in self._processes.values():
            if one.listener:
                self._platform.metadata.remove(one.listener)

    def _may_stop(self, name: str, left: Collection[str]) -> bool:
        return dependencies.may_stop(name, self._definition["containerDefinitions"], left)

    def _stop_timeout_s(self, name: str) -> float:
        return float(self._definitions[name].get("stopTimeout") or containers.STOP_TIMEOUT_S)
