"""The ECS service scheduler at work: looks at services, tasks and targets, decides, and acts."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from underpass.errors import UnderpassError
from underpass.twin.linux import process
from underpass.twin.region.timers import Timer, later
from underpass.twin.region.topics import Topic
from underpass.twin.services.ecs import deployments, scheduler, strategy, task_events
from underpass.twin.services.ecs.agent import Agent
from underpass.twin.services.ecs.model import Phase, Rollout, Service, StopCode, Task
from underpass.twin.services.ecs.observe import Observation, Observer
from underpass.twin.services.ecs.placement import GUIDE, Placing, make_room
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.ecs.scheduler import Complete, Condition, Fail, Start, Stop

log = logging.getLogger(__name__)
STOP_S = 3.0
LOOK_AGAIN_S = 3600.0  # when nothing is due
OFTEN = 4  # failures in a row that are worth an event
FAILED_ALONE = frozenset({StopCode.FAILED_TO_START, StopCode.CONTAINER_EXITED})


class Services:
    """Keeps every service's tasks as wanted, and runs one-off tasks."""

    topics: ClassVar[tuple[Topic, ...]] = (
        *(Topic.ECS, Topic.AUTOSCALING, Topic.APPLICATION_AUTOSCALING),
        *(Topic.TASKS, Topic.HEALTH, Topic.INSTANCES),
    )

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._table = platform.table
        self._observer = Observer(platform)
        self._placing = Placing(platform.table, platform.region.clients)
        self._agents: dict[str, Agent] = {}
        self._counted: set[str] = set()
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._timer: Timer | None = None

    def start(self) -> None:
        """Start what the tasks share."""
        self._platform.logs.start()
        self._platform.metadata.start()

    def stop(self) -> None:
        """End all containers: SIGTERM, and what is left after a moment is killed."""
        if self._timer:
            self._timer.cancel()
        agents = list(self._agents.values())
        for agent in agents:
            agent.terminate()
        deadline = time.monotonic() + STOP_S
        for agent in agents:
            agent.join(max(0.0, deadline - time.monotonic()))
        self._platform.logs.stop()

    def enter(self, name: str) -> list[str]:
        """Return what to put before a command's arguments to run it beside a container.

        Parameters
        ----------
        name
            ``TASK/CONTAINER``, or the task alone for the first of its containers; its id may be cut short.

        Raises
        ------
        UnderpassError
            When no such container runs; names those that do.
        """
        task_id, _, container = name.partition("/")
        running = {task.id: self._agents.get(task.id) for task in self._table.tasks()}
        pids = {one: agent.pids for one, agent in running.items() if agent and agent.pids}
        found = [one for one in pids if one.startswith(task_id) and task_id]
        if len(found) != 1:
            raise UnderpassError(
                f"there is no task {task_id}"
                if not found
                else f"several tasks begin with {task_id}",
                f"running tasks: {', '.join(pids) or 'none'}",
                "see `underpass status`",
            )
        there = pids[found[0]]
        if container and container not in there:
            raise UnderpassError(
                f"there is no container {container} in task {found[0]}",
                f"running there: {', '.join(there)}",
                "name one of them",
            )
        return process.enter(there[container or next(iter(there))])

    def reconcile(self) -> None:
        """Bring what runs closer to what is wanted."""
        now = time.time()
        self._count_failures(now)
        self._lose_hosts()
        wake_at, failures = [now + LOOK_AGAIN_S], list[Exception]()
        for service in self._table.services():
            try:
                wake_at.append(self._service(service, now))
            except Exception as error:  # noqa: BLE001  the other services must not suffer
                failures.append(error)
        make_room(self._platform.region.clients, self._placing.place_all(now))
        self._run_agents(now)
        self._table.forget_stopped(now)
        self._wake_at(min(wake_at))
        if failures:
            raise ExceptionGroup("some services could not be looked after", failures)

    # -- one service

    def _service(self, service: Service, now: float) -> float:
        """Decide and act for one service; return when to look again if nothing happens."""
        tasks = [task for task in self._table.tasks(service.arn) if not task.stopped_at]
        seen = self._observer.look(service, tasks, now, self._checked)
        for task in tasks:
            if seen.replicas[task.id].condition is Condition.HEALTHY and not task.healthy_at:
                self._table.change(task.id, healthy_at=now)
        replicas = list(seen.replicas.values())
        open_zones = self._placing.open_zones(service) if service.status == "ACTIVE" else ()
        actions = scheduler.decide(service, replicas, now, open_zones)
        for action in actions:
            self._act(service, action, seen, now)
        if not actions:
            self._steady(service, replicas, now)
        else:
            self._platform.region.feed.publish(Topic.TASKS)
        kept = {task.deployment for task in tasks}
        self._table.change_service(service.arn, lambda one: deployments.drop_finished(one, kept))
        due = [moment for moment in (service.retry_at, *seen.due) if moment > now]
        return min(due, default=now + LOOK_AGAIN_S)

    def _act(
        self, service: Service, action: scheduler.Action, seen: Observation, now: float
    ) -> None:
        match action:
            case Start(count):
                self._start(service, count, now)
            case Stop(task_id, failing):
                self._stop(service, task_id, seen.why.get(task_id, "") if failing else "", now)
            case Complete():
                self._complete(service, now)
            case Fail():
                self._fail(service, now)

    def _start(self, service: Service, count: int, now: float) -> None:
        kin = [
            one.launch
            for one in self._table.tasks(service.arn)
            if one.deployment == service.primary.id and not one.ending
        ]
        tags = self._tags(service)
        made = [
            Task(
                id=uuid.uuid4().hex,
                cluster_arn=service.cluster_arn,
                launch=launch,
                created_at=now,
                service_arn=service.arn,
                deployment=service.primary.id,
                group=f"service:{service.name}",
                tags=tags,
            )
            for launch in strategy.launches(service.primary.launch, count, kin)
        ]
        for task in made:
            self._table.put(task)
        names = " ".join(f"(task {task.id})" for task in made)
        self._tell(service, f"has started {count} tasks: {names}.", now)

    def _tags(self, service: Service) -> tuple[tuple[str, str], ...]:
        """Return the tags a service hands on to its tasks: its own, or those of the task definition."""
        sources = {"SERVICE": service.arn, "TASK_DEFINITION": service.primary.launch.definition}
        if (source := sources.get(service.propagates)) is None:
            return ()
        ecs = self._platform.region.clients("ecs")
        found = ecs.list_tags_for_resource(resourceArn=source)["tags"]
        return tuple((tag["key"], tag["value"]) for tag in found)

    def _stop(self, service: Service, task_id: str, unhealthy: str, now: float) -> None:
        reason = unhealthy or f"Scaling activity initiated by (deployment {service.primary.id})"
        task = self._table.change(
            task_id, wanted="STOPPED", stop_code=StopCode.SCHEDULER, stopped_reason=reason
        )
        log.info("service %s: stopping task %s: %s", service.name, task_id, reason)
        self._tell(service, f"has stopped 1 running tasks: (task {task_id}).", now)
        if unhealthy:
            self._failed(task, now)

    def _complete(self, service: Service, now: float) -> None:
        if self._change_primary(service, lambda one: deployments.complete(one, now)):
            self._tell(service, f"(deployment {service.primary.id}) deployment completed.", now)

    def _change_primary(
        self, service: Service, change: Callable[[Service], Service]
    ) -> Service | None:
        """Change a service unless another deployment has begun since it was looked at."""
        decided_on = service.primary.id
        changed: list[Service] = []

        def if_still(one: Service) -> Service:
            if one.primary.id == decided_on:
                changed.append(change(one))
            return changed[0] if changed else one

        self._table.change_service(service.arn, if_still)
        return changed[0] if changed else None

    def _fail(self, service: Service, now: float) -> None:
        after = self._change_primary(service, lambda one: deployments.fail(one, now))
        if after is None:
            return
        failed = service.primary.id
        self._tell(service, f"(deployment {failed}) deployment failed: tasks failed to start.", now)
        if after.primary.id != failed:
            self._tell(service, f"rolling back to (deployment {after.primary.id}).", now)

    def _steady(self, service: Service, replicas: list[scheduler.Replica], now: float) -> None:
        all_well = all(replica.condition is Condition.HEALTHY for replica in replicas)
        under_way = service.primary.rollout is Rollout.IN_PROGRESS
        steady = all_well and len(replicas) == service.desired and not under_way
        if steady != service.steady:
            self._table.change_service(service.arn, lambda one: replace(one, steady=steady))
            if steady and service.status == "ACTIVE":
                self._tell(service, "has reached a steady state.", now)

    # -- tasks that ended by themselves

    def _count_failures(self, now: float) -> None:
        for task in self._table.tasks():
            if task.ending and task.id not in self._counted:
                self._counted.add(task.id)
                if task.stop_code in FAILED_ALONE:
                    self._failed(task, now)
        self._counted &= {task.id for task in self._table.tasks()}

    def _failed(self, task: Task, now: float) -> None:
        """Let a task that failed count: towards the circuit breaker, and for the next start's delay."""
        self._counted.add(task.id)
        if self._table.service(task.service_arn) is None:
            return
        well_for_s = now - task.healthy_at if task.healthy_at else 0.0
        service = self._table.change_service(
            task.service_arn,
            lambda one: deployments.task_failed(one, task.deployment, well_for_s, now),
        )
        log.info("task %s of %s failed: %s", task.id, service.name, task.stopped_reason)
        if service.failures >= OFTEN:
            self._tell(service, f"is unable to consistently start tasks successfully. {GUIDE}", now)

    def _lose_hosts(self) -> None:
        """End the tasks whose instance is gone."""
        hosts = self._table.hosts()
        for task in self._table.tasks():
            if task.host and task.host not in hosts and not task.stopped_at and not task.abrupt:
                lost = {
                    "stop_code": StopCode.HOST_LOST,
                    "stopped_reason": "Host EC2 instance terminated.",
                }
                self._table.change(
                    task.id, wanted="STOPPED", abrupt=True, **({} if task.ending else lost)
                )

    # -- agents

    def _run_agents(self, now: float) -> None:
        for task in self._table.tasks():
            agent = self._agents.get(task.id)
            if agent:
                agent.wake()
                if agent.ended:
                    del self._agents[task.id]
            elif task.stopped_at:
                continue
            elif task.wanted == "STOPPED":  # it never ran
                ended = {"phase": Phase.STOPPED, "stopping_at": now, "stopped_at": now}
                task_events.tell(self._platform.region.name, self._table.change(task.id, **ended))
            elif task.zone:
                definition = self._definition(task.launch.definition)
                self._agents[task.id] = Agent(self._platform, task.id, definition).start()

    def _definition(self, arn: str) -> Mapping[str, Any]:
        """Return a task definition; a revision never changes."""
        if arn not in self._definitions:
            ecs = self._platform.region.clients("ecs")
            found = ecs.describe_task_definition(taskDefinition=arn)
            self._definitions[arn] = found["taskDefinition"]
        return self._definitions[arn]

    def _checked(self, task: Task) -> bool:
        """Return whether an essential container of a task has a health check."""
        containers = self._definition(task.launch.definition)["containerDefinitions"]
        return any(one.get("healthCheck") and one.get("essential", True) for one in containers)

    def _tell(self, service: Service, message: str, now: float) -> None:
        self._table.tell(service.arn, message, now)

    def _wake_at(self, moment: float) -> None:
        """Look again at ``moment``: the end of a grace period or of a back-off changes what to do."""
        if self._timer:
            self._timer.cancel()
        feed = self._platform.region.feed
        self._timer = later(max(0.05, moment - time.time()), lambda: feed.publish(Topic.TASKS))
