"""Random stacks, changed at random, with failures anywhere: what must hold whatever happens."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref

from underpass.twin.services.cloudformation.execution.schedule import at_once, in_thread
from underpass.twin.services.cloudformation.resource_type import ProvisionError

NAMES = "ABCDEF"
FINAL = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "DELETE_COMPLETE",
    "DELETE_FAILED",
}


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    """Things that refer to some of those before them, in any of the ways there are."""
    resources: dict[str, Any] = {}
    for name in sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1))):
        targets = draw(
            st.lists(st.sampled_from(sorted(resources) or [name]), max_size=3, unique=True)
        )
        targets = [target for target in targets if target != name]
        how = draw(st.sampled_from(["ref", "sub", "depends", "attribute"]))
        properties: dict[str, Any] = {"Size": draw(st.integers(0, 2))}
        if draw(st.booleans()):
            properties["Name"] = draw(st.sampled_from(["x", "y"]))
        if how == "ref":
            properties["Uses"] = [ref(target) for target in targets]
        elif how == "sub":
            properties["Uses"] = [{"Fn::Sub": f"${{{target}}}"} for target in targets]
        elif how == "attribute" and targets:
            properties["Name"] = {"Fn::GetAtt": [targets[0], "Arn"]}
        resources[name] = {"Type": THING, "Properties": properties}
        if how == "depends":
            resources[name]["DependsOn"] = targets
    shuffled = draw(st.permutations(sorted(resources)))
    outputs = {"First": {"Value": ref(shuffled[0])}}
    return {"Resources": {name: resources[name] for name in shuffled}, "Outputs": outputs}


failures = st.dictionaries(
    st.tuples(st.sampled_from(["create", "update", "delete"]), st.sampled_from(NAMES)),
    st.integers(1, 2),
    max_size=3,
)


def fail_some(cloud: Cloud, failing: dict[tuple[str, str], int]) -> None:
    """Let each of these calls fail so many times."""
    left = Counter(failing)

    def fails(verb: str, name: str) -> Exception | None:
        if left[verb, name] <= 0:
            return None
        left[verb, name] -= 1
        return ProvisionError(f"{verb} of {name} fails")

    cloud.world.fails = fails


def check_events(cloud: Cloud, stack_id: str) -> None:
    """Every resource's events alternate begin and end, and the last is what the stack lists."""
    events = cloud.events(stack_id)
    last: dict[str, str] = {}
    for name, status, _ in events:
        if name != "-":
            verb, _, state = status.rpartition("_")
            before = last.get(name, "")
            if state in {"COMPLETE", "FAILED"} and verb != "DELETE":
                assert before == f"{verb}_IN_PROGRESS", events
            last[name] = status
    assert not [name for name, status in last.items() if status.endswith("IN_PROGRESS")], events
    assert events[-1][:2] == ("-", cloud.status(stack_id))
    assert cloud.status(stack_id) in FINAL


def settled(cloud: Cloud, stack_id: str) -> str:
    def status() -> str | None:
        found = cloud.status(stack_id)
        return found if found in FINAL else None

    return cloud.region.feed.wait(status, timeout_s=20, what="never settled")


def run(cloud: Cloud, document: dict[str, Any], **request: Any) -> str | None:
    """Deploy and wait; None when the change set had nothing to do."""
    planned = cloud.plan(document, **request)
    if planned["Status"] == "FAILED":
        assert planned["StatusReason"].startswith(
            "The submitted information didn't contain changes"
        )
        return None
    cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    return settled(cloud, planned["StackId"])


def story(cloud: Cloud, first: Any, second: Any, failing: Any, failing_later: Any) -> None:
    fail_some(cloud, failing)
    status = run(cloud, first)
    stack_id = cloud.stack()["StackId"]
    check_events(cloud, stack_id)
    if status == "CREATE_COMPLETE":
        assert cloud.world.by_name().keys() == first["Resources"].keys()
        before = dict(cloud.world.things)
        fail_some(cloud, failing_later)
        status = run(cloud, second)
        check_events(cloud, stack_id)
        if status == "UPDATE_ROLLBACK_COMPLETE" and not any(
            verb == "delete" for verb, _ in failing_later
        ):
            assert cloud.world.things == before, "the rollback did not return to what was"
        if status == "UPDATE_ROLLBACK_FAILED":
            fail_some(cloud, {})
            cloud.engine.continue_update_rollback({"StackName": stack_id})
            status = settled(cloud, stack_id)
            check_events(cloud, stack_id)
            assert status == "UPDATE_ROLLBACK_COMPLETE"
            assert cloud.world.things == before, "the rollback went on to something else"
        if status == "UPDATE_ROLLBACK_COMPLETE":
            fail_some(cloud, {})
            status = run(cloud, second)
        if status == "UPDATE_COMPLETE":
            # AWS too calls an update complete when something old would not go.
            cleaned = not any(verb == "delete" for verb, _ in failing_later)
            names = (
                cloud.world.by_name()
                if cleaned
                else {thing["LogicalId"] for thing in cloud.world.things.values()}
            )
            assert (
                set(second["Resources"]) == set(names)
                if cleaned
                else set(second["Resources"]) <= set(names)
            )
            assert run(cloud, second) is None, "a second identical change set is empty"
    elif status == "ROLLBACK_COMPLETE":
        assert cloud.world.things == {}, "the rollback left something"
    fail_some(cloud, failing_later)
    status = delete(cloud, stack_id)
    if status == "DELETE_FAILED":
        fail_some(cloud, {})
        status = delete(cloud, stack_id)
    assert status == "DELETE_COMPLETE"
    assert cloud.world.things == {}, "the deletion left something"


def preserving_story(
    cloud: Cloud, first: Any, second: Any, failing: Any, failing_later: Any
) -> None:
    """With what succeeds kept: the same again goes on, and the last that succeeded can be returned to."""
    fail_some(cloud, failing)
    run(cloud, first, OnStackFailure="DO_NOTHING")
    stack_id = cloud.stack()["StackId"]
    check_events(cloud, stack_id)
    if cloud.status() == "CREATE_FAILED":
        fail_some(cloud, {})
        assert run(cloud, first, OnStackFailure="DO_NOTHING") == "UPDATE_COMPLETE"
        check_events(cloud, stack_id)
    assert cloud.world.by_name().keys() == first["Resources"].keys()
    before = dict(cloud.world.things)
    fail_some(cloud, failing_later)
    if run(cloud, second, OnStackFailure="DO_NOTHING") == "UPDATE_FAILED":
        check_events(cloud, stack_id)
        fail_some(cloud, {})
        assert run(cloud, first, OnStackFailure="DO_NOTHING") == "UPDATE_COMPLETE"
        check_events(cloud, stack_id)
        assert cloud.world.things == before
    fail_some(cloud, {})
    assert delete(cloud, stack_id) == "DELETE_COMPLETE"
    assert cloud.world.things == {}, "the deletion left something"


def delete(cloud: Cloud, stack_id: str) -> str:
    cloud.engine.delete_stack({"StackName": stack_id})
    status = settled(cloud, stack_id)
    check_events(cloud, stack_id)
    return status


@settings(max_examples=100, deadline=None)
@given(templates(), templates(), failures, failures)
def test_whatever_happens_one_after_the_other(
    first: Any, second: Any, failing: Any, later: Any
) -> None:
    story(Cloud(at_once), first, second, failing, later)


@settings(max_examples=25, deadline=None)
@given(templates(), templates(), failures, failures)
def test_whatever_happens_side_by_side(first: Any, second: Any, failing: Any, later: Any) -> None:
    story(Cloud(in_thread), first, second, failing, later)


@settings(max_examples=50, deadline=None)
@given(templates(), templates(), failures, failures)
def test_whatever_happens_where_what_succeeds_is_kept(
    first: Any, second: Any, failing: Any, later: Any
) -> None:
    preserving_story(Cloud(at_once), first, second, failing, later)


@settings(max_examples=25, deadline=None)
@given(templates(), templates(), failures, failures)
def test_whatever_happens_where_what_succeeds_is_kept_side_by_side(
    first: Any, second: Any, failing: Any, later: Any
) -> None:
    preserving_story(Cloud(in_thread), first, second, failing, later)
