"""Add-ons in a deployment: what they are given and hand on, and that nothing of them goes too soon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.functional.deploy.test_pipeline import World

from underpass.blueprint.stack import Stack
from underpass.deploy import addons
from underpass.deploy.stacks.data_loss import DataLossError

QUEUE = {"Type": "AWS::SQS::Queue"}
MAKES: dict[str, Any] = {
    "Parameters": {
        "VpcId": {"Type": "String", "Default": "none"},
        "Name": {"Type": "String"},
        "Days": {"Type": "Number", "Default": 4},
    },
    "Resources": {"Queue": QUEUE, "Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
}
TAKES: dict[str, Any] = {
    "Parameters": {"QueueUrl": {"Type": "String"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"TopicArn2": {"Value": {"Ref": "Topic"}}},
}
BOTH: dict[str, Any] = {
    "addons": [{"template": "makes.yaml"}, {"template": "takes.yaml"}],
    "documents": {"makes.yaml": MAKES, "takes.yaml": TAKES},
}
NONE: dict[str, Any] = {"addons": [], "documents": {}}


@pytest.fixture
def world(client: Callable[[str], Any], tmp_path: Path) -> World:
    made = World(client, tmp_path, **BOTH)
    made.cloudformation.outputs |= {
        "notes-addon-makes": {"QueueUrl": "https://queue"},
        "notes-addon-takes": {"TopicArn2": "arn:topic"},
    }
    return made


def test_they_are_given_what_there_is_by_its_name_and_tasks_get_what_they_hand_on(
    world: World,
) -> None:
    world.deploy()
    named = world.cloudformation.named
    assert named("notes-addon-makes").parameters == {"VpcId": "vpc-0", "Name": "notes", "Days": "4"}
    assert named("notes-addon-takes").parameters == {"QueueUrl": "https://queue"}
    given = named("notes-service").parameters
    assert (given["AddonQueueUrl"], given["AddonTopicArn2"]) == ("https://queue", "arn:topic")
    order = world.finished()
    assert order.index("foundation") < order.index("addon makes") < order.index("addon takes")
    assert order.index("addon takes") < order.index("service")


def test_a_value_of_the_files_wins_and_one_that_is_left_out_again_is_the_default(
    world: World,
) -> None:
    own = [
        {"template": "makes.yaml", "parameters": {"VpcId": "vpc-9", "Days": "7"}},
        BOTH["addons"][1],
    ]
    world.deploy_again(**BOTH | {"addons": own})
    makes = world.cloudformation.named("notes-addon-makes")
    assert (makes.parameters["VpcId"], makes.parameters["Days"]) == ("vpc-9", "7")
    world.deploy_again(**BOTH)
    assert (makes.parameters["VpcId"], makes.parameters["Days"]) == ("vpc-0", "4")


def test_what_holds_data_is_refused_before_anything_is_changed(world: World) -> None:
    world.deploy()
    with pytest.raises(DataLossError, match="Queue, the queue"):
        world.deploy_again(**NONE)
    assert "execute_change_set" not in " ".join(world.cloudformation.calls)
    assert world.finished() == []
    fewer = {**MAKES, "Resources": {"Topic": MAKES["Resources"]["Topic"]}, "Outputs": {}}
    alone = {"addons": BOTH["addons"][:1], "documents": {"makes.yaml": fewer}}
    with pytest.raises(DataLossError, match="Queue, the queue"):
        world.deploy_again(**alone)


def test_what_one_loses_goes_once_tasks_have_moved_on(world: World) -> None:
    world.deploy()
    fewer = {**MAKES, "Resources": {"Queue": QUEUE}}
    world.deploy_again(**BOTH | {"documents": {**BOTH["documents"], "makes.yaml": fewer}})
    order = world.finished()
    assert order.index("service") < order.index("clean-up")
    assert world.resources("notes-addon-makes") == {"Queue"}


def test_one_that_is_dropped_goes_at_the_end_and_no_other_does(world: World) -> None:
    world.deploy()
    world.cloudformation.has("notes-addon-other", "CREATE_COMPLETE")  # not of our making
    world.allowed = {"Queue"}
    plan = world.plan(**NONE)["notes-addon-makes"]
    assert (plan.action, plan.note) == ("delete", "its add-on is gone")
    assert [loss.change.logical_id for loss in plan.losses] == ["Queue"]
    world.deploy_again(**NONE)
    told = [(e.step, e.text) for e in world.events if e.kind == "finished"]
    assert ("addon makes", "removed: it is no longer in underpass.toml") in told
    order = world.finished()
    assert order.index("service") < order.index("addon makes")
    status = {
        name: one.status for name, one in world.cloudformation.stacks.items() if "-addon-" in name
    }
    left = [name for name, one in status.items() if one != "DELETE_COMPLETE"]
    assert left == [name for name in status if "addon-other" in name]


def test_a_plan_of_what_is_there_changes_nothing(world: World) -> None:
    world.deploy()
    plans = world.plan(**BOTH)
    assert {plans[name].action for name in ("notes-addon-makes", "notes-addon-takes")} == {"none"}


def _stack(name: str, asks: str = "", hands: str = "", **more: Any) -> Stack:
    template = {
        "Parameters": {one: {"Type": "String"} for one in asks.split()},
        "Outputs": {one: {"Value": "x"} for one in hands.split()},
        "Resources": more,
    }
    return Stack(name, template)


def test_they_are_made_side_by_side_as_far_as_they_can() -> None:
    first, second = _stack("first", hands="A"), _stack("second", asks="VpcId")
    third, fourth = _stack("third", asks="A", hands="B"), _stack("fourth", asks="B")
    waves = addons.waves([first, second, third, fourth])
    assert waves == [[first, second], [third], [fourth]]
    imports = _stack("imports", R={"Fn::ImportValue": "x"})
    assert addons.waves([first, imports]) == [[first], [imports]]
