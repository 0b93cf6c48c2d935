"""When a container may start, what ECS refuses, and in which order containers stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from underpass.twin.services.ecs.dependencies import Verdict, judge, may_stop, refusal
from underpass.twin.services.ecs.model import Container, Health, Phase

DB = Container("db", "image", "r1")
STARTED = replace(DB, status=Phase.RUNNING, started_at=100.0)
ENDED = replace(STARTED, status=Phase.STOPPED, exit_code=0)
FAILED = replace(ENDED, exit_code=1)
NEVER = replace(DB, status=Phase.STOPPED)
HEALTHY = replace(STARTED, health=Health.HEALTHY)
NOW, LATER = Verdict(now=True), Verdict()
WORDS = "dependency graph: failed to resolve container ordering dependency [db] for target [app]"


def definition(name: str, *waits: tuple[str, str], **more: Any) -> dict[str, Any]:
    depends_on = [{"containerName": on, "condition": condition} for on, condition in waits]
    return {"name": name, "dependsOn": depends_on, **more}


def decided(condition: str, on: Container, now: float = 100.0, **more: Any) -> Verdict:
    app = definition("app", ("db", condition))
    return judge(app, [app, definition("db", **more)], {"db": on}, now)


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        ("START", [STARTED, HEALTHY, ENDED], [DB]),
        ("HEALTHY", [HEALTHY], [DB, STARTED, replace(STARTED, health=Health.UNHEALTHY)]),
        ("COMPLETE", [ENDED, FAILED], [DB, STARTED, HEALTHY]),
        ("SUCCESS", [ENDED], [DB, STARTED]),
    ],
)
def test_a_container_starts_once_what_it_waits_for_has_come_so_far(
    condition: str, yes: list[Container], no: list[Container]
) -> None:
    assert [decided(condition, one) for one in yes] == [NOW] * len(yes)
    assert [decided(condition, one) for one in no] == [LATER] * len(no)


@pytest.mark.parametrize(
    ("condition", "on", "why"),
    [
        ("SUCCESS", FAILED, f"{WORDS} as dependency did not exit successfully."),
        ("HEALTHY", FAILED, f"{WORDS} because dependency has exited"),
        *(
            (one, NEVER, f"{WORDS} because dependency will never start")
            for one in ("START", "COMPLETE")
        ),
    ],
)
def test_what_can_never_be_is_told_in_the_words_of_ecss_agent(
    condition: str, on: Container, why: str
) -> None:
    assert decided(condition, on) == Verdict(why=why)


def test_the_start_timeout_is_of_what_is_waited_for_and_counts_from_its_start() -> None:
    assert decided("HEALTHY", DB, 1e9, startTimeout=20) == LATER  # it has not started
    assert decided("HEALTHY", STARTED, 119.0, startTimeout=20) == Verdict(until=120.0)
    late = decided("HEALTHY", STARTED, 120.0, startTimeout=20)
    assert late.why.endswith("ordering dependency [db] for target [app] has timed out.")
    assert decided("COMPLETE", ENDED, 1e9, startTimeout=20) == NOW


def test_what_ecs_refuses_is_refused_by_name() -> None:
    check = {"healthCheck": {"command": ["CMD", "true"]}}
    for condition in ("COMPLETE", "SUCCESS"):
        waiting = definition("app", ("db", condition))
        assert "cannot be an essential container" in refusal([waiting, definition("db")])
        assert refusal([waiting, definition("db", essential=False)]) == ""
    assert "'db' because it does not exist" in refusal([definition("app", ("db", "START"))])
    waiting = definition("app", ("db", "HEALTHY"))
    assert "must have a health check: db" in refusal([waiting, definition("db")])
    assert refusal([waiting, definition("db", **check)]) == ""
    circle = [definition("a", ("b", "START")), definition("b", ("c", "START"))]
    assert refusal([*circle, definition("c")]) == ""
    told = refusal([*circle, definition("c", ("a", "START"))])
    assert told.startswith("Container dependencies should not have a cycle: ")
    assert told.partition(": ")[2] in {"a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"}


def test_containers_stop_after_those_that_waited_for_them() -> None:
    both = [definition("app", ("db", "START")), definition("db")]
    assert may_stop("app", both, ["app", "db"])
    assert not may_stop("db", both, ["app", "db"])
    assert may_stop("db", both, ["db"])
