"""Change sets against the twin's own CloudFormation, over HTTP: what one says the other understands."""

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.unit.deploy.fakes import Told

from underpass.blueprint.stack import Stack
from underpass.deploy.clock import Clock
from underpass.deploy.stacks import changesets, two_phase
from underpass.deploy.stacks import stack as existing
from underpass.deploy.stacks.changesets import NotExecutableError
from underpass.deploy.stacks.data_loss import DataLossError
from underpass.deploy.stacks.stack import StackFailedError
from underpass.twin import services


@pytest.fixture(scope="module")
def cloudformation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from underpass.twin.api import patch
    from underpass.twin.api.server import Api, Listener, moto_application
    from underpass.twin.region.aws import Clients
    from underpass.twin.region.context import Region
    from underpass.twin.region.reconcile import ChangeFeed
    from underpass.twin.services.cloudformation import patches as actions
    from underpass.twin.services.cloudformation.registry import registry

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        clients = Clients(f"http://127.0.0.1:{listening.getsockname()[1]}", "us-east-1")
        folder: Path = tmp_path_factory.mktemp("region")
        region = Region("us-east-1", clients, ChangeFeed(), folder, folder)
        patch.apply(actions)
        actions.attach(region, partial(registry, services=services))
        Listener(Api(region.feed, moto_application()), listening).start()
        yield clients("cloudformation")


@pytest.fixture
def told() -> Told:
    told = Told()
    told.step.clock = Clock()  # the engine's threads need real time
    return told


def groups(name: str, days: int, *kinds: str) -> Stack:
    """Return a stack of a log group called after it, and of resources of other types."""
    group = {"LogGroupName": f"/{name}", "RetentionInDays": days}
    resources = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": group}}
    more = {f"Other{number}": {"Type": kind} for number, kind in enumerate(kinds)}
    outputs = {"Name": {"Value": {"Ref": "Group"}}}
    return Stack(name, {"Resources": {**resources, **more}, "Outputs": outputs})


def test_made_changed_and_left_alone(cloudformation: Any, told: Told) -> None:
    made = changesets.deploy(cloudformation, groups("one", 7), {}, told.step)
    assert (made.status, made.outputs) == ("CREATE_COMPLETE", {"Name": "/one"})
    assert existing.resources(cloudformation, "one") == {"Group": "/one"}
    changed = changesets.deploy(cloudformation, groups("one", 14), {}, told.step)
    assert changed.status == "UPDATE_COMPLETE"
    assert told.step.outcome == "1 resource changed"
    changesets.deploy(cloudformation, groups("one", 14), {}, told.step)
    assert told.step.outcome == "nothing to change"


def test_a_type_the_twin_lacks_is_named_and_leaves_no_stack(
    cloudformation: Any, told: Told
) -> None:
    with pytest.raises(NotExecutableError, match="AWS::Lex::Bot"):
        changesets.deploy(cloudformation, groups("two", 7, "AWS::Lex::Bot"), {}, told.step)
    assert existing.describe(cloudformation, "two") is None


def test_a_failure_is_told_and_the_next_run_starts_over(cloudformation: Any, told: Told) -> None:
    changesets.deploy(cloudformation, groups("three", 7), {}, told.step)
    same_name = Stack("four", groups("three", 7).template)
    with pytest.raises(StackFailedError, match=r"four failed: ROLLBACK_COMPLETE: Group .* exists"):
        changesets.deploy(cloudformation, same_name, {}, told.step)
    made = changesets.deploy(cloudformation, groups("four", 7), {}, told.step)
    assert made.status == "CREATE_COMPLETE"
    assert "four is ROLLBACK_COMPLETE: deleting it first" in told.texts()


def test_a_template_that_is_none_is_refused(cloudformation: Any, told: Told) -> None:
    with pytest.raises(NotExecutableError, match="Nope"):
        changesets.deploy(cloudformation, Stack("five", {"Nope": 1}), {}, told.step)


def foundation(*names: str) -> Stack:
    """Return a stack that hands on the name of each of its log groups; those are kept when dropped."""
    return Stack(
        "base",
        {
            "Resources": {
                name: {
                    "Type": "AWS::Logs::LogGroup",
                    "Properties": {"LogGroupName": f"/base/{name}"},
                    "DeletionPolicy": "Retain",
                }
                for name in names
            },
            "Outputs": {name: {"Value": {"Ref": name}} for name in names},
        },
        used=True,
    )


def test_what_is_in_use_goes_once_its_user_has_moved_on(cloudformation: Any, told: Told) -> None:
    def deploy(stack: Stack) -> None:
        changesets.deploy(cloudformation, stack, {}, told.step)

    deploy(foundation("Old"))
    wanted = foundation("New")
    wide = two_phase.while_used(wanted, existing.template(cloudformation, "base"))
    deploy(wide)
    ids = existing.resources(cloudformation, "base")
    assert ids == {"Old": "/base/Old", "New": "/base/New"}
    deploy(wanted)
    assert existing.resources(cloudformation, "base") == {"New": "/base/New"}
    assert two_phase.farewells(wide.template, wanted.template, ids, "") == [
        "Old (/base/Old) stays as it is, with its data, and is yours to delete"
    ]
    assert two_phase.while_used(wanted, existing.template(cloudformation, "base")) is wanted


def test_stacks_are_found_by_their_tags(cloudformation: Any, told: Told) -> None:
    tags = {"underpass:application": "notes", "underpass:consumer": "billing"}
    for name, marks in (("six", tags), ("seven", {"underpass:application": "notes-2"})):
        changesets.deploy(cloudformation, groups(name, 7), {}, told.step, tags=marks)
    found = existing.tagged(cloudformation, **{"underpass:application": "notes"})
    assert [(stack.name, stack.tags) for stack in found] == [("six", tags)]
    existing.delete(cloudformation, found[0], told.step.clock)
    assert not existing.tagged(cloudformation, **tags)


def held(name: str, **properties: Any) -> Stack:
    """Return a stack of a secret, which holds data, and of a group called after a key's id."""
    secret = {"Description": name, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}, **properties}
    key = {"Description": properties.get("Description", ""), "KeyPolicy": {"Statement": []}}
    resources = {
        "Key": {"Type": "AWS::KMS::Key", "Properties": key, "DeletionPolicy": "Retain"},
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": secret},
    }
    return Stack(name, {"Resources": resources})


def test_a_change_in_place_of_what_holds_data_and_of_its_key_goes_on(
    cloudformation: Any, told: Told
) -> None:
    changesets.deploy(cloudformation, held("held"), {}, told.step)
    ids = existing.resources(cloudformation, "held")
    changesets.deploy(cloudformation, held("held", Description="other"), {}, told.step)
    assert existing.resources(cloudformation, "held") == ids


def test_what_would_replace_what_holds_data_is_refused_and_leaves_no_change_set(
    cloudformation: Any, told: Told
) -> None:
    changesets.deploy(cloudformation, held("kept"), {}, told.step)
    ids = existing.resources(cloudformation, "kept")
    renamed = held("kept", Name="another")
    with pytest.raises(
        DataLossError, match=r"Secret, the secret .* is replaced by a change of Name"
    ):
        changesets.deploy(cloudformation, renamed, {}, told.step)
    there = existing.describe(cloudformation, "kept")
    assert there
    previewed = changesets.preview(cloudformation, renamed, {}, told.step.clock, {}, there)
    assert [(change.logical_id, change.replacement) for change in previewed] == [("Secret", "True")]
    assert existing.resources(cloudformation, "kept") == ids
    sets = cloudformation.list_change_sets(StackName="kept")["Summaries"]
    assert [one["ExecutionStatus"] for one in sets] == ["EXECUTE_COMPLETE"]
    changesets.deploy(cloudformation, renamed, {}, told.step, allowed={"Secret"})
    assert existing.resources(cloudformation, "kept")["Secret"] != ids["Secret"]


def test_a_preview_of_what_is_there_is_empty(cloudformation: Any, told: Told) -> None:
    there = changesets.deploy(cloudformation, groups("same", 7), {}, told.step)
    same = groups("same", 7)
    assert changesets.preview(cloudformation, same, {}, told.step.clock, {}, there) == ()
    tagged = changesets.preview(cloudformation, same, {}, told.step.clock, {"a": "b"}, there)
    assert {(one.action, one.causes[0].name) for one in tagged} == {("Modify", "Tags")}
