import pytest
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref, template

from underpass.twin.services.cloudformation.model import ApiError

CHAIN = template({"A": {}, "B": {"Uses": [ref("A")]}, "C": {"Uses": [ref("B")]}, "D": {}})


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    assert cloud.deploy(CHAIN) == "CREATE_COMPLETE"
    cloud.world.calls.clear()
    return cloud


def test_users_go_before_what_they_use_and_the_stack_stays_describable_by_its_id(
    cloud: Cloud,
) -> None:
    stack_id = cloud.stack()["StackId"]
    assert cloud.delete() == "DELETE_COMPLETE"
    assert cloud.world.things == {}
    assert [call for call in cloud.world.calls if call[1] != "D"] == [
        (("delete"), name) for name in "CBA"
    ]
    assert "DeletionTime" in cloud.stack(stack_id)
    assert cloud.events(stack_id)[-1] == ("-", "DELETE_COMPLETE", "")
    listed = cloud.engine.list_stack_resources({"StackName": stack_id})["StackResourceSummaries"]
    assert {item["ResourceStatus"] for item in listed} == {"DELETE_COMPLETE"}
    with pytest.raises(ApiError, match="Stack with id s does not exist"):
        cloud.stack("s")
    assert cloud.engine.describe_stacks({})["Stacks"] == []
    statuses = [item["StackStatus"] for item in cloud.engine.list_stacks({})["StackSummaries"]]
    assert statuses == ["DELETE_COMPLETE"]
    assert (
        cloud.engine.list_stacks({"StackStatusFilter": ["CREATE_COMPLETE"]})["StackSummaries"] == []
    )
    assert cloud.engine.delete_stack({"StackName": "s"}) == {}


def test_the_name_is_free_again(cloud: Cloud) -> None:
    first = cloud.stack()["StackId"]
    cloud.delete()
    assert cloud.deploy(CHAIN) == "CREATE_COMPLETE"
    assert cloud.stack()["StackId"] != first


def test_one_that_will_not_go_keeps_what_it_uses_and_nothing_else(cloud: Cloud) -> None:
    cloud.world.fail(("delete", "B"))
    assert cloud.delete() == "DELETE_FAILED"
    assert set(cloud.world.by_name()) == {"A", "B"}
    assert cloud.events()[-1] == (
        "-",
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [B].",
    )
    assert cloud.reason("B", "DELETE_FAILED") == "no such luck"
    with pytest.raises(ApiError, match="is in DELETE_FAILED state and can not be updated"):
        cloud.plan(CHAIN)
    cloud.world.fail()
    cloud.world.calls.clear()
    assert cloud.delete() == "DELETE_COMPLETE"
    assert cloud.world.calls == [("delete", "B"), ("delete", "A")]


def test_what_will_not_go_can_be_left_behind(cloud: Cloud) -> None:
    with pytest.raises(ApiError, match="RetainResources"):
        cloud.delete(RetainResources=["B"])
    cloud.world.fail(("delete", "B"))
    cloud.delete()
    cloud.world.fail(("delete", "B"), ("delete", "A"))
    assert cloud.delete(RetainResources=["A", "B"]) == "DELETE_COMPLETE"
    assert set(cloud.world.by_name()) == {"A", "B"}


def test_policies() -> None:
    cloud = Cloud()
    policies = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
    document = template({policy: {"Type": THING, "DeletionPolicy": policy} for policy in policies})
    cloud.world.fail(("create", "Broken"))
    broken = {"Broken": {"Type": THING, "DependsOn": list(policies)}}
    assert cloud.deploy({"Resources": document["Resources"] | broken}) == "ROLLBACK_COMPLETE"
    assert set(cloud.world.by_name()) == {"Retain"}
    cloud.world.things.clear()
    assert cloud.deploy(document, "t") == "CREATE_COMPLETE"
    assert cloud.delete("t") == "DELETE_COMPLETE"
    assert set(cloud.world.by_name()) == {"Retain", "RetainExceptOnCreate"}


def test_a_protected_stack_stays(cloud: Cloud) -> None:
    cloud.engine.update_termination_protection(
        {"StackName": "s", "EnableTerminationProtection": True}
    )
    with pytest.raises(ApiError, match="TerminationProtection is enabled"):
        cloud.delete()
    cloud.engine.update_termination_protection(
        {"StackName": "s", "EnableTerminationProtection": False}
    )
    assert cloud.delete() == "DELETE_COMPLETE"


def test_a_stack_that_was_only_planned_can_be_deleted(cloud: Cloud) -> None:
    planned = cloud.plan(CHAIN, "t")
    assert cloud.status("t") == "REVIEW_IN_PROGRESS"
    assert cloud.delete("t") == "DELETE_COMPLETE"
    with pytest.raises(ApiError) as refused:
        cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert refused.value.code == "ChangeSetNotFound"
