"""Tasks that fail: seen once, with their reason and last lines, and told in words that help."""

from typing import Any

import pytest
from tests.unit.deploy.fakes import (
    FakeClock,
    FakeCloudFormation,
    FakeEcs,
    FakeElbv2,
    FakeLogs,
    FakeTarget,
)

from underpass.config import Config
from underpass.deploy.observe import tasks
from underpass.deploy.observe.diagnose import diagnose
from underpass.deploy.observe.failures import Failure, Watch

GRACE_S = 20
CONFIG = Config.model_validate(
    {"name": "notes", "service": {"port": 80, "build": ".", "grace_period": GRACE_S}}
)


class World:
    """A service stack under way, and what its tasks do."""

    def __init__(self, **logs: list[str]) -> None:
        self.cloudformation = FakeCloudFormation()
        self.ecs = FakeEcs()
        self.elbv2 = FakeElbv2(nlb=[], alb=[])
        self.logs = FakeLogs(**logs)
        self.clock = FakeClock()
        self.warnings: list[str] = []
        clients: dict[str, Any] = {
            "cloudformation": self.cloudformation,
            "ecs": self.ecs,
            "logs": self.logs,
            "elbv2": self.elbv2,
        }
        self.target = FakeTarget(clients)

    def starts(self) -> "World":
        self.cloudformation.has("notes-capacity", "CREATE_COMPLETE").physical = {
            "Cluster": ("notes-cluster", "AWS::ECS::Cluster"),
        }
        self.cloudformation.has("notes-path", "CREATE_COMPLETE").physical = {
            "NlbTargetGroup": ("nlb", "AWS::ElasticLoadBalancingV2::TargetGroup"),
            "AlbTargetGroup": ("alb", "AWS::ElasticLoadBalancingV2::TargetGroup"),
        }
        self.cloudformation.has("notes-service", "CREATE_IN_PROGRESS")
        return self

    def watch(self) -> Watch:
        return Watch(self.target, CONFIG, self.clock, "notes-cluster", "alb")

    def look(self, watch: Watch) -> str:
        """Look after a second."""
        self.clock.pause(1)
        return watch.look(self.warnings.append)


def test_a_failure_is_seen_once_with_its_last_lines() -> None:
    world = World(abc=["listening", "Traceback"])
    watch = world.watch()
    assert not world.look(watch)  # no task yet
    world.starts()
    world.ecs.stops("abc")
    assert not world.look(watch)
    assert not world.look(watch)
    assert watch.failures == (
        Failure("abc", "Essential container in task exited", 3, ("listening", "Traceback")),
    )
    assert world.warnings == ["task abc stopped: Essential container in task exited (exit code 3)"]


def test_last_lines_that_come_late_or_are_deleted_soon_are_kept() -> None:
    world = World(abc=["listening"]).starts()
    watch = world.watch()
    world.ecs.stops("abc", lastStatus="DEPROVISIONING")
    world.look(watch)
    world.logs.tasks["abc"].append("Traceback")
    world.look(watch)
    del world.logs.tasks["abc"]  # rolled back
    world.ecs.tasks[0]["lastStatus"] = "STOPPED"
    world.look(watch)
    assert [failure.log for failure in watch.failures] == [("listening", "Traceback")]
    assert len(world.warnings) == 1


def test_it_does_not_look_again_and_again_unless_told_to() -> None:
    world = World().starts()
    watch = world.watch()
    world.look(watch)
    world.ecs.stops("abc")
    watch.look(world.warnings.append)
    assert not watch.failures
    watch.look(world.warnings.append, at_once=True)
    assert len(watch.failures) == 1


@pytest.mark.parametrize(
    ("code", "reason", "counts"),
    [
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/1)",
            False,
        ),
        ("UserInitiated", "stopped by me", False),
        ("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group x)", True),
        ("TaskFailedToStart", "CannotPullContainerError: not found", True),
    ],
)
def test_a_task_that_was_told_to_stop_is_no_failure(code: str, reason: str, counts: bool) -> None:
    world = World().starts()
    watch = world.watch()
    world.ecs.stops("abc", code, stoppedReason=reason)
    world.look(watch)
    assert bool(watch.failures) is counts


def test_tasks_of_before_the_deployment_are_not_its_failures() -> None:
    world = World().starts()
    world.ecs.stops("old")
    world.ecs.runs("ill", "10.0.0.1")
    world.ecs.runs("sick", "10.0.0.2")
    world.elbv2.groups["alb"] = [("10.0.0.1", "unhealthy"), ("10.0.0.2", "unhealthy")]
    watch = world.watch()
    for _ in range(2 * GRACE_S):
        assert not world.look(watch)
    world.ecs.tasks[1] |= {"desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
    world.look(watch)
    assert not watch.failures


def test_many_tasks_are_described_a_hundred_at_a_time() -> None:
    world = World().starts()
    watch = world.watch()
    for number in range(250):
        world.ecs.stops(f"t{number}")
    world.look(watch)
    assert len(watch.failures) == 250


@pytest.mark.parametrize(
    ("failures", "states", "expected"),
    [(2, [], False), (3, [], True), (3, ["unhealthy"], True), (3, ["unhealthy", "healthy"], False)],
)
def test_it_gives_up_after_three_failures_unless_something_works(
    failures: int, states: list[str], expected: bool
) -> None:
    world = World().starts()
    watch = world.watch()
    world.elbv2.groups["alb"] = [(f"10.0.0.{n}", state) for n, state in enumerate(states)]
    for number in range(failures):
        world.ecs.stops(f"t{number}")
    assert bool(world.look(watch)) is expected


def test_it_gives_up_when_all_tasks_are_unwell_after_their_grace_period() -> None:
    world = World().starts()
    watch = world.watch()
    world.ecs.runs("a", "10.0.0.1")
    world.elbv2.groups["alb"] = [("10.0.0.1", "unhealthy"), ("10.0.0.2", "unhealthy")]
    for _ in range(GRACE_S):
        assert not world.look(watch)
    world.ecs.runs("b", "10.0.0.2")
    for _ in range(GRACE_S):
        assert not world.look(watch)  # the second may still come up
    assert world.look(watch) == "no task is healthy after its grace period of 20 s"


def test_a_task_stopped_for_its_health_is_told_with_what_the_check_saw() -> None:
    world = World().starts()
    watch = world.watch()
    world.ecs.runs("a", "10.0.0.1")
    world.elbv2.groups["alb"] = [("10.0.0.1", "unhealthy")]
    world.look(watch)
    world.ecs.tasks.clear()
    world.elbv2.groups["alb"] = []
    reason = "Task failed ELB health checks in (target-group alb)"
    world.ecs.stops("a", "ServiceSchedulerInitiated", stoppedReason=reason, containers=[])
    world.look(watch)
    assert world.warnings == [f"task a stopped: {reason}: it is unhealthy"]


def test_the_reason_the_exit_code_and_the_log_are_told() -> None:
    failures = [
        Failure("a", "Essential container exited", 1, ("x", "y")),
        Failure("b", "out", 137),
    ]
    world = World().starts()
    world.elbv2.groups["alb"] = [("10.0.2.2", "unhealthy"), ("10.0.2.3", "draining")]
    error = diagnose(CONFIG, world.target, "it failed", "circuit breaker", failures)
    assert error.what == "it failed"
    assert error.why.splitlines() == [
        "circuit breaker",
        "2 tasks failed; the last: task b stopped: out (exit code 137)",
        "the ALB's target 10.0.2.2:80 is unhealthy: it is unhealthy",
        "the last lines of task a:",
        "| x",
        "| y",
    ]


def test_without_a_failed_task_what_is_unwell_is_told() -> None:
    world = World(ill=["ready"], new=["starting"]).starts()
    world.elbv2.groups["alb"] = [("10.0.2.2", "initial")]
    world.ecs.runs("new", "10.0.2.2")
    error = diagnose(CONFIG, world.target, "no answer", "timed out", [])
    assert error.why.splitlines() == [
        "timed out",
        "the ALB's target 10.0.2.2:80 is initial: it is initial",
        "the last lines of task new:",
        "| starting",
    ]
    world.elbv2.groups["alb"].append(("10.0.2.3", "unhealthy"))
    world.ecs.runs("ill", "10.0.2.3")
    error = diagnose(CONFIG, world.target, "no answer", "", [])
    assert error.why.splitlines() == [
        "the ALB's target 10.0.2.3:80 is unhealthy: it is unhealthy",
        "the last lines of task ill:",
        "| ready",
    ]


@pytest.mark.parametrize(
    ("nlb", "expected"),
    [
        ([], "the NLB has no target: the registrar has not registered the ALB yet"),
        ([("10.0.1.1", "unhealthy")], "the NLB's target 10.0.1.1:80 is unhealthy: it is unhealthy"),
    ],
)
def test_with_healthy_tasks_the_way_to_them_is_told(
    nlb: list[tuple[str, str]], expected: str
) -> None:
    world = World(abc=[]).starts()
    world.elbv2.groups |= {"nlb": nlb, "alb": [("10.0.2.2", "healthy")]}
    world.ecs.runs("abc", "10.0.2.2")
    why = diagnose(CONFIG, world.target, "no answer", "", []).why.splitlines()
    assert why[0] == expected
    assert why[-1] == "the log of task abc is empty"


def test_a_health_check_does_not_drown_what_was_said_before_it() -> None:
    checks = [f'10.0.{n % 2}.5 [12:00:{n:02}] "GET / HTTP/1.1" 500' for n in range(60)]
    world = World(abc=["listening", *checks, "Terminated"]).starts()
    world.ecs.runs("abc", "10.0.2.2")
    assert diagnose(CONFIG, world.target, "no answer", "", []).why.splitlines()[-3:] == [
        "| listening",
        f"| {checks[-1]}  (and 59 like it before)",
        "| Terminated",
    ]


def test_with_nothing_there_it_still_tells_something() -> None:
    why = diagnose(CONFIG, World().starts().target, "no answer", "", []).why
    assert why.splitlines() == [
        "no task runs",
        "ECS: message 3",
        "ECS: message 4",
        "ECS: message 5",
    ]


def test_a_worker_is_steady_when_its_tasks_have_stayed() -> None:
    world = World().starts()
    world.ecs.stops("old", family="notes_mail", desiredStatus="RUNNING", lastStatus="RUNNING")
    watch = world.watch()
    assert watch.steady("mail") == 1  # it was there before
    running = {"desiredStatus": "RUNNING", "lastStatus": "RUNNING"}
    world.ecs.stops("new", family="notes_mail", **running)
    world.ecs.stops("web", **running)
    assert watch.steady("mail") == 1
    world.clock.pause(3)
    assert watch.steady("mail") == 2


def test_a_worker_that_is_asked_whether_it_is_well_says_so_itself() -> None:
    world = World().starts()
    watch = world.watch()
    running = {"desiredStatus": "RUNNING", "lastStatus": "RUNNING"}
    for health in ("HEALTHY", "UNHEALTHY", "UNKNOWN"):
        world.ecs.stops(health, family="notes_mail", healthStatus=health, **running)
    assert watch.steady("mail") == 1


def test_a_workers_failures_are_its_own() -> None:
    world = World(a=["no queue"]).starts()
    watch = world.watch()
    for name in "abc":
        world.ecs.stops(name, family="notes_mail")
    world.ecs.stops("d", family="notes_report", group="family:notes_report")  # a job's end is none
    assert world.look(watch) == ""  # three of them are the circuit breaker's to judge
    assert (watch.gone("mail"), watch.gone("notes"), len(watch.failures)) == (3, 0, 3)
    assert str(watch.failures[0]).startswith("task a of worker mail stopped")
    assert watch.failures[0].log == ("no queue",)


@pytest.mark.parametrize(
    ("containers", "reason", "by", "code"),
    [
        ({"notes": 1}, "Essential container in task exited", "notes", 1),
        ({"notes": 143, "otel": 7}, "Essential container in task exited", "otel", 7),
        ({"notes": 143, "otel": 0}, "Essential container in task exited", "otel", 0),
        ({"notes": 137, "set-up": 0}, "Task failed ELB health checks", "notes", 137),
        ({"notes": 143, "bad": 9}, "Task failed to start: dependency graph", "bad", 9),
        ({"notes": None, "otel": 143}, "CannotStartContainerError", "notes", None),
        ({}, "CannotPullContainerError", None, None),
    ],
)
def test_a_task_of_several_containers_failed_by_the_one_that_was_not_told_to_end(
    containers: dict[str, int | None], reason: str, by: str | None, code: int | None
) -> None:
    told = [
        {"name": name, **({"reason": reason} if exit_code is None else {"exitCode": exit_code})}
        for name, exit_code in containers.items()
    ]
    task = {"stoppedReason": reason, "containers": told}
    assert tasks.failing(task).get("name") == by
    assert tasks.exit_code(task) == code


def test_a_failure_names_its_container_where_that_is_not_the_program() -> None:
    world = World(abc=["no collector"]).starts()
    watch = world.watch()
    world.ecs.stops(
        "abc", containers=[{"name": "notes", "exitCode": 143}, {"name": "otel", "exitCode": 2}]
    )
    world.look(watch)
    (warning,) = world.warnings
    assert warning.endswith("container in task exited (container otel, exit code 2)")
    assert watch.failures[0].log == ("no collector",)
