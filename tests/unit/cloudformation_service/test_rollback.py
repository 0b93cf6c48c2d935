"""Rollbacks of updates that get stuck, and how they are gone on with."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import Cloud, ref, template

from underpass.twin.services.cloudformation.execution.schedule import at_once
from underpass.twin.services.cloudformation.model import ApiError

BEFORE = template({"A": {}, "B": {"Uses": [ref("A")]}, "C": {"Uses": [ref("B")]}})
AFTER = template(
    {
        "A": {"Name": "new"},
        "B": {"Uses": [ref("A")], "Size": 2},
        "C": {"Uses": [ref("B")], "Size": 3},
        "D": {},
        "E": {"Uses": [ref("C"), ref("D")]},
    }
)


@pytest.fixture
def before() -> dict[str, Any]:
    """What existed before the update."""
    return {}


@pytest.fixture
def cloud(before: dict[str, Any]) -> Cloud:
    """A stack whose update replaced A, updated B and C, created D, failed at E, and got stuck on C."""
    cloud = Cloud()
    cloud.deploy(BEFORE, Tags=[{"Key": "k", "Value": "old"}])
    before |= cloud.world.things
    updates = iter(["done"])
    cloud.world.fails = lambda verb, name: (
        OSError("stuck")
        if (verb, name) == ("create", "E")
        or ((verb, name) == ("update", "C") and next(updates, "stuck") == "stuck")
        else None
    )
    assert cloud.deploy(AFTER, Tags=[{"Key": "k", "Value": "new"}]) == "UPDATE_ROLLBACK_FAILED"
    assert cloud.statuses("C")[-1] == "UPDATE_FAILED"
    cloud.world.calls.clear()
    return cloud


def go_on(cloud: Cloud, *skipped: str) -> str:
    cloud.engine.continue_update_rollback({"StackName": "s", "ResourcesToSkip": list(skipped)})
    return cloud.status()


def test_a_rollback_goes_on_from_where_it_got_stuck(cloud: Cloud, before: dict[str, Any]) -> None:
    cloud.world.fail()
    assert go_on(cloud) == "UPDATE_ROLLBACK_COMPLETE"
    assert cloud.world.things == before
    assert cloud.world.calls[0] == ("update", "C"), "A and B were led back before"
    assert sorted(cloud.world.calls[1:]) == [("delete", "A"), ("delete", "D")]
    assert cloud.statuses("-")[-4:] == [
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert cloud.reason("-", "UPDATE_ROLLBACK_IN_PROGRESS") == "User Initiated"
    assert cloud.stack()["Tags"] == [{"Key": "k", "Value": "old"}]
    assert cloud.plan(BEFORE)["Status"] == "FAILED", "nothing differs from what was"
    assert cloud.deploy(AFTER) == "UPDATE_COMPLETE"


def test_it_may_get_stuck_again_and_the_stack_still_knows_all_it_made(cloud: Cloud) -> None:
    assert go_on(cloud) == "UPDATE_ROLLBACK_FAILED"
    assert cloud.reason("-", "UPDATE_ROLLBACK_FAILED") == (
        "The following resource(s) failed to update: [C]."
    )
    cloud.world.fail()
    assert cloud.delete() == "DELETE_COMPLETE"
    assert cloud.world.things == {}
    assert sorted(cloud.world.calls[1:]) == [("delete", name) for name in "AABCD"]


def test_what_was_led_back_after_all_is_deleted_once(cloud: Cloud) -> None:
    cloud.world.fail()
    go_on(cloud)
    cloud.world.calls.clear()
    assert cloud.delete() == "DELETE_COMPLETE"
    assert sorted(cloud.world.calls) == [("delete", name) for name in "ABC"]


def test_what_is_skipped_stays_as_it_is_and_counts_as_led_back(
    cloud: Cloud, before: dict[str, Any]
) -> None:
    assert go_on(cloud, "C") == "UPDATE_ROLLBACK_COMPLETE"
    assert ("update", "C") not in cloud.world.calls
    assert cloud.statuses("C")[-1] == "UPDATE_COMPLETE"
    was = {thing["LogicalId"]: thing for thing in before.values()}
    assert cloud.world.by_name() == was | {"C": was["C"] | {"Size": 3}}
    assert cloud.plan(BEFORE)["Status"] == "FAILED", "the stack does not know that C differs"


@pytest.mark.parametrize("name", ["B", "E", "Z"])
def test_only_what_the_rollback_got_stuck_on_can_be_skipped(cloud: Cloud, name: str) -> None:
    with pytest.raises(ApiError, match=f"Resources .*{name}.* can not be skipped") as refused:
        go_on(cloud, "C", name)
    assert refused.value.code == "ValidationError"
    assert cloud.status() == "UPDATE_ROLLBACK_FAILED"


def test_there_must_be_a_rollback_that_got_stuck(cloud: Cloud) -> None:
    cloud.world.fail()
    go_on(cloud)
    with pytest.raises(ApiError, match="is in UPDATE_ROLLBACK_COMPLETE state") as refused:
        go_on(cloud)
    assert refused.value.code == "ValidationError"
    with pytest.raises(ApiError, match="Stack with id t does not exist"):
        cloud.engine.continue_update_rollback({"StackName": "t"})


def test_an_update_that_broke_has_no_rollback() -> None:
    breaking: list[str] = []

    def spawn(name: str, run: Callable[[], None]) -> None:
        if name in breaking:
            raise RuntimeError("no thread")
        at_once(name, run)

    cloud = Cloud(spawn)
    cloud.deploy(BEFORE)
    breaking.append("C")
    assert cloud.deploy(AFTER) == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ApiError, match="has no rollback to continue"):
        go_on(cloud)
