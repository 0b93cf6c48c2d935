"""The service scheduler: its percentages, its circuit breaker, and that it always arrives."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from underpass.twin.services.ecs.model import Deployment, Launch, Rollout, Service
from underpass.twin.services.ecs.scheduler import (
    Action,
    Complete,
    Condition,
    Fail,
    Replica,
    Start,
    Stop,
    backoff_s,
    decide,
    threshold,
)

ZONES = ("us-east-1a", "us-east-1b")
STARTING, HEALTHY = Condition.STARTING, Condition.HEALTHY
FAILING, STOPPING = Condition.FAILING, Condition.STOPPING


def deployment(name: str, rollout: Rollout = Rollout.IN_PROGRESS, failed: int = 0) -> Deployment:
    return Deployment(name, Launch(f"app:{name}"), 0, 0, rollout=rollout, failed_tasks=failed)


def service(desired: int = 2, *deployments: Deployment, **more: object) -> Service:
    made = Service("arn", "app", "cluster", deployments or (deployment("new"),), desired)
    return replace(made, **more)  # type: ignore[arg-type]


def replicas(*conditions: Condition, of: str = "new", start: int = 0) -> list[Replica]:
    zones = itertools.cycle(ZONES)
    return [
        Replica(f"{of}{n}", of, condition, next(zones), proven=True, born=n)
        for n, condition in enumerate(conditions, start)
    ]


def act(wanted: Service, tasks: list[Replica], now: float = 0.0) -> list[Action]:
    return decide(wanted, tasks, now, ZONES)


def test_a_new_service_starts_what_is_desired() -> None:
    assert act(service(3), []) == [Start(3)]


def test_a_deployment_starts_all_new_tasks_and_stops_an_old_one_for_each_that_is_healthy() -> None:
    wanted = service(2, deployment("new"), deployment("old"))
    old = replicas(HEALTHY, HEALTHY, of="old")
    assert act(wanted, old) == [Start(2)]
    assert act(wanted, [*old, *replicas(STARTING, STARTING)]) == []
    assert act(wanted, [*old, *replicas(HEALTHY, STARTING)]) == [Stop("old0")]
    draining = [replace(replica, condition=STOPPING) for replica in old]
    assert act(wanted, [*draining, *replicas(HEALTHY, HEALTHY)]) == []
    assert act(wanted, replicas(HEALTHY, HEALTHY)) == [Complete()]


def test_without_room_above_the_desired_count_an_old_task_goes_first() -> None:
    wanted = service(2, deployment("new"), deployment("old"), min_percent=50, max_percent=100)
    old = replicas(HEALTHY, HEALTHY, of="old")
    assert act(wanted, old) == [Stop("old0")]
    assert act(wanted, [replace(old[0], condition=STOPPING), old[1]]) == [Start(1)]


def test_scaling_in_takes_from_the_fullest_zone_and_prefers_tasks_that_are_not_healthy() -> None:
    tasks = replicas(HEALTHY, HEALTHY, STARTING, HEALTHY)
    assert act(service(2), tasks)[:2] == [Stop("new2"), Stop("new3")]


def test_an_unhealthy_task_goes_once_its_replacement_is_healthy() -> None:
    wanted = service(2)
    sick = replicas(HEALTHY, FAILING)
    assert act(wanted, sick) == [Start(1)]
    assert act(wanted, [*sick, *replicas(STARTING, start=2)]) == []
    assert act(wanted, [*sick, *replicas(HEALTHY, start=2)]) == [Stop("new1", failing=True)]
    # The replacement is no better: the older of the two goes, so that the count stays as desired.
    assert act(wanted, [*sick, *replicas(FAILING, start=2)]) == [
        Start(1),
        Stop("new1", failing=True),
    ]


def test_an_unhealthy_task_goes_first_where_there_is_no_room_for_its_replacement() -> None:
    assert act(service(2, max_percent=100), replicas(HEALTHY, FAILING)) == [
        Stop("new1", failing=True)
    ]
    unplaced = [Replica(f"new{n}", "new", STARTING) for n in (2, 3)]
    full = decide(service(2), [*replicas(FAILING, FAILING), *unplaced], 0.0, ())
    assert full == [Stop("new0", failing=True)]
    one_going = [*replicas(STOPPING, FAILING), *unplaced]
    assert decide(service(2), one_going, 0.0, ()) == []


def test_a_new_versions_tasks_that_never_were_healthy_go_at_once() -> None:
    wanted = service(2, deployment("new"), deployment("old"))
    unproven = [replace(replica, proven=False) for replica in replicas(FAILING, FAILING)]
    tasks = [*replicas(HEALTHY, HEALTHY, of="old"), *unproven]
    assert act(wanted, tasks) == [Stop("new0", failing=True), Stop("new1", failing=True)]
    done = replace(wanted, deployments=(deployment("new", Rollout.COMPLETED),))
    assert act(done, unproven) == [Start(2)]


def test_tasks_of_a_draining_instance_are_replaced_before_they_go() -> None:
    leaving, stays = replicas(HEALTHY, HEALTHY)
    leaving = replace(leaving, leaving=True)
    assert act(service(2), [leaving, stays]) == [Start(1)]
    assert act(service(2), [leaving, stays, *replicas(HEALTHY, start=2)]) == [Stop("new0")]


def test_zones_are_rebalanced_when_one_with_room_has_two_fewer() -> None:
    tasks = [replace(replica, zone=ZONES[0]) for replica in replicas(HEALTHY, HEALTHY)]
    wanted = service(2, deployment("new", Rollout.COMPLETED))
    assert act(wanted, tasks) == [Start(1)]
    assert decide(wanted, tasks, 0.0, (ZONES[0],)) == []
    assert act(replace(wanted, rebalancing=False), tasks) == []
    moved = Replica("new2", "new", HEALTHY, ZONES[1], born=2)
    assert act(wanted, [*tasks, moved]) == [Stop("new1")]


def test_nothing_starts_until_the_backoff_is_over() -> None:
    wanted = service(2, retry_at=10.0)
    assert act(wanted, [], now=9.9) == []
    assert act(wanted, [], now=10.0) == [Start(2)]


def test_a_deleted_service_stops_all_its_tasks() -> None:
    actions = act(service(2, status="DRAINING"), replicas(HEALTHY, STOPPING, STARTING))
    assert actions == [Stop("new0"), Stop("new2")]


@pytest.mark.parametrize(
    ("desired", "count"), [(0, 3), (2, 3), (6, 3), (7, 4), (100, 50), (999, 200)]
)
def test_the_circuit_breaker_trips_exactly_at_its_threshold(desired: int, count: int) -> None:
    assert threshold(desired) == count
    below = service(desired, deployment("new", failed=count - 1), breaker=True)
    at = service(desired, deployment("new", failed=count), breaker=True)
    assert Fail() not in act(below, [])
    assert act(at, []) == [Fail()]
    assert Fail() not in act(replace(at, breaker=False), [])
    done = deployment("new", Rollout.COMPLETED, failed=count)
    assert Fail() not in act(replace(at, deployments=(done,)), [])


def test_after_a_failed_deployment_old_tasks_stay_and_nothing_starts() -> None:
    wanted = service(2, deployment("new", Rollout.FAILED), deployment("old"))
    tasks = [*replicas(HEALTHY, of="old"), *replicas(FAILING)]
    assert act(wanted, tasks) == [Stop("new0", failing=True)]


def test_backoff_doubles_to_a_limit() -> None:
    waits = [backoff_s(n) for n in range(1, 40)]
    assert waits[:4] == [0.0, 0.5, 1.0, 2.0]
    assert waits == sorted(waits)
    assert waits[-1] == 27 * 60 / 20


class ServiceOverTime(RuleBasedStateMachine):
    """A service whose tasks start, sicken, drain and die as they please, under the scheduler."""

    @initialize(
        desired=st.integers(0, 6),
        # pairs that can always move: 50 and 150 of one task is one, neither more nor less
        percentages=st.sampled_from([(0, 150), (50, 200), (100, 200)]),
    )
    def begin(self, desired: int, percentages: tuple[int, int]) -> None:
        self.names = itertools.count()
        self.now = 0.0
        self.tasks: dict[str, Replica] = {}
        least, most = percentages
        self.wanted = service(desired, min_percent=least, max_percent=most)

    def schedule(self) -> list[Action]:
        before = list(self.tasks.values())
        actions = decide(self.wanted, before, self.now, ZONES)
        self.check_percentages(before, actions)
        for action in actions:
            match action:
                case Start(count):
                    for _ in range(count):
                        self.add()
                case Stop(task_id):
                    self.tasks[task_id] = replace(self.tasks[task_id], condition=STOPPING)
                case Complete():
                    primary = replace(self.wanted.primary, rollout=Rollout.COMPLETED)
                    self.wanted = replace(self.wanted, deployments=(primary,))
        return actions

    def check_percentages(self, before: list[Replica], actions: list[Action]) -> None:
        alive = sum(task.condition is not STOPPING for task in before)
        started = sum(action.count for action in actions if isinstance(action, Start))
        if started:
            assert alive + started <= self.wanted.desired * self.wanted.max_percent // 100
        stopped = [action.task_id for action in actions if isinstance(action, Stop)]
        assert len(stopped) == len(set(stopped))
        healthy = {task.id for task in before if task.condition is HEALTHY}
        floor = math.ceil(self.wanted.desired * self.wanted.min_percent / 100)
        if healthy & set(stopped):
            assert len(healthy - set(stopped)) >= floor

    def add(self) -> None:
        kin = Counter(
            task.zone
            for task in self.tasks.values()
            if task.deployment == self.wanted.primary.id
            and task.condition in {STARTING, HEALTHY}
            and not task.leaving
        )
        name = f"task{next(self.names)}"
        zone = min(ZONES, key=lambda zone: (kin[zone], zone))
        self.tasks[name] = Replica(
            name, self.wanted.primary.id, STARTING, zone, born=float(len(name))
        )

    def pick(self, data: st.DataObject, *conditions: Condition) -> Replica | None:
        names = sorted(n for n, task in self.tasks.items() if task.condition in conditions)
        return self.tasks[data.draw(st.sampled_from(names))] if names else None

    @rule()
    def run(self) -> None:
        self.schedule()

    @rule(data=st.data(), condition=st.sampled_from([HEALTHY, FAILING]))
    def judge(self, data: st.DataObject, condition: Condition) -> None:
        task = self.pick(data, STARTING, HEALTHY, FAILING)
        if task:
            self.tasks[task.id] = replace(task, condition=condition)

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        task = self.pick(data, *Condition)
        if task:
            del self.tasks[task.id]

    @rule(data=st.data())
    def drain(self, data: st.DataObject) -> None:
        task = self.pick(data, STARTING, HEALTHY)
        if task:
            self.tasks[task.id] = replace(task, leaving=True)

    @rule()
    def deploy(self) -> None:
        made = deployment(f"deployment{next(self.names)}")
        self.wanted = replace(self.wanted, deployments=(made, *self.wanted.deployments))

    @rule(desired=st.integers(0, 6))
    def scale(self, desired: int) -> None:
        self.wanted = replace(self.wanted, desired=desired)

    @precondition(lambda self: hasattr(self, "tasks"))
    @invariant()
    def arrives_when_left_alone(self) -> None:
        kept = dict(self.tasks), self.wanted
        for _ in range(60):
            self.schedule()
            for task in list(self.tasks.values()):
                if task.condition is STOPPING:
                    del self.tasks[task.id]
                elif task.condition is STARTING:
                    self.tasks[task.id] = replace(task, condition=HEALTHY)
        assert not self.schedule()
        assert len(self.tasks) == self.wanted.desired
        assert {task.deployment for task in self.tasks.values()} <= {self.wanted.primary.id}
        assert self.wanted.primary.rollout is Rollout.COMPLETED
        zones = Counter(task.zone for task in self.tasks.values())
        assert max(zones[zone] for zone in ZONES) - min(zones[zone] for zone in ZONES) <= 1
        self.tasks, self.wanted = kept


TestServiceOverTime = ServiceOverTime.TestCase
TestServiceOverTime.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


@given(st.integers(0, 1000))
def test_the_threshold_is_never_below_three_nor_above_two_hundred(desired: int) -> None:
    assert 3 <= threshold(desired) <= 200
