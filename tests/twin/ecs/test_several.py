"""Tasks of several containers: one network, an order, and what ends a task."""

from __future__ import annotations

from tests.twin.ecs import several
from tests.twin.inside import run_inside

GRAPH = "dependency graph: failed to resolve container ordering dependency"


def test_containers_start_and_stop_in_order_and_meet_on_localhost() -> None:
    found = run_inside(several.in_order)
    assert found["running"] == {
        "app": ["RUNNING", None, "UNKNOWN"],
        "migrate": ["STOPPED", 0, "UNKNOWN"],
        "notes": ["STOPPED", 3, "UNKNOWN"],
        "proxy": ["RUNNING", None, "HEALTHY"],
    }
    assert found["task"] == ["HEALTHY", "UserInitiated"]
    assert found["one name"] == 1
    assert found["beside"] == [True, True]
    assert "no container migrate in task" in found["refused"]
    assert found["stopped"]["app"] == found["stopped"]["proxy"] == ["STOPPED", 0]
    said = [words for words in found["said"] if words != "noted"]
    assert said == ["moved", "proxy listens", "asked", "app listens", "app ends", "proxy ends"]


def test_a_task_ends_with_an_essential_container_and_goes_on_without_another() -> None:
    found = run_inside(several.essential_or_not)
    assert found["went on"] == ["RUNNING", "RUNNING", "RUNNING"]
    status, reason = found["lost"]
    assert status == "STOPPED"
    assert reason.startswith('CannotStartContainerError: exec: "nonesuch"')
    code, reason, exits = found["ended"]
    assert (code, reason) == ("EssentialContainerExited", "Essential container in task exited")
    assert exits == {"app": [0], "other": [5]}


def test_what_is_waited_for_and_never_comes_is_told_in_ecs_words() -> None:
    found = run_inside(several.what_never_comes)
    assert {code for code, _, _ in found.values()} == {"TaskFailedToStart"}
    why = {name: reason for name, (_, reason, _) in found.items()}
    assert why == {
        "failed": f"Task failed to start: {GRAPH} [bad] for target [app] as dependency did not exit"
        " successfully.",
        "late": "Task failed to start: dependency graph: container ordering dependency [late] for"
        " target [app] has timed out.",
        "gone": f"Task failed to start: {GRAPH} [second] for target [app] because dependency will"
        " never start",
    }
    assert found["failed"][2]["bad"] == [9, None]
    code, reason = found["failed"][2]["app"]
    assert code == 143
    assert reason.startswith(f"CannotStartContainerError: {GRAPH} [bad]")


def test_a_task_goes_on_without_an_optional_container_that_cannot_start() -> None:
    found = run_inside(several.an_optional_one_never_starts)["containers"]
    assert found["app"] == ["RUNNING", None]
    assert found["more"] == ["STOPPED", 143]


def test_a_sick_container_that_is_not_essential_neither_keeps_a_task_from_serving_nor_ends_it() -> (
    None
):
    assert run_inside(several.services_with_sidecars)["health"] == ["UNKNOWN", "RUNNING"]


def test_dependencies_that_cannot_be_are_refused_at_registration() -> None:
    found = run_inside(several.refusals)
    assert "RegisterTaskDefinition operation: A dependency container" in found["essential"]
    assert "'db' because it does not exist" in found["unknown"]
