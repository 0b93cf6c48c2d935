"""What is there already is taken over where a change set is to import it: its name, its policy, its stack."""

from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref, template

IMPORTING: dict[str, Any] = {"ImportExistingResources": True}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.world.standing["kept"] = "kept-1"
    cloud.world.things["kept-1"] = {"LogicalId": "K", "Name": "kept", "Size": 3}
    return cloud


def thing(name: Any = "kept", policy: str = "Retain", **more: Any) -> dict[str, Any]:
    return {"Type": THING, "Properties": {"Name": name, **more}, "DeletionPolicy": policy}


def test_what_is_there_is_imported_and_stays_as_it_is(cloud: Cloud) -> None:
    document = template({"K": thing(Size=9), "A": {"Uses": [ref("K")]}})
    planned = cloud.plan(document, **IMPORTING)
    assert [one["ResourceChange"]["Action"] for one in planned["Changes"]] == ["Import", "Add"]
    assert cloud.deploy(document, **IMPORTING) == "CREATE_COMPLETE"
    assert cloud.world.calls == [("create", "A")]
    assert cloud.world.things["kept-1"]["Size"] == 3
    assert [one[1:] for one in cloud.events() if one[0] == "K"] == [
        ("IMPORT_IN_PROGRESS", "Resource import started."),
        ("IMPORT_COMPLETE", "Resource import completed."),
    ]
    assert cloud.deploy(template({"K": thing(Size=10), "A": {"Uses": [ref("K")]}})) == (
        "UPDATE_COMPLETE"
    )
    assert cloud.world.things["kept-1"]["Size"] == 10
    assert cloud.delete() == "DELETE_COMPLETE"
    assert list(cloud.world.things) == ["kept-1"]


def test_an_update_imports_too(cloud: Cloud) -> None:
    assert cloud.deploy(template({"A": {}})) == "CREATE_COMPLETE"
    assert cloud.deploy(template({"A": {}, "K": thing()}), **IMPORTING) == "UPDATE_COMPLETE"
    assert cloud.world.calls == [("create", "A")]


def test_what_would_go_with_its_stack_is_not_imported(cloud: Cloud) -> None:
    planned = cloud.plan(template({"K": thing(policy="Delete"), "A": {}}), **IMPORTING)
    assert planned["Status"] == "FAILED"
    assert planned["StatusReason"] == (
        "CloudFormation is attempting to import some resources because they already exist in your account. "
        "The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in "
        "the template for successful import. The affected resources are K ({Name=kept})"
    )


def test_nothing_is_imported_that_is_not_there_or_has_no_name_yet_or_is_not_asked_for(
    cloud: Cloud,
) -> None:
    unknown = {"Fn::GetAtt": ["A", "Arn"]}
    document = template({"A": {}, "B": thing("new"), "C": thing(unknown), "D": {}})
    planned = cloud.plan(document, **IMPORTING)
    assert {one["ResourceChange"]["Action"] for one in planned["Changes"]} == {"Add"}
    for asked in ({}, {"ImportExistingResources": "false"}):
        planned = cloud.plan(template({"K": thing()}), stack="t", **asked)
        assert planned["Changes"][0]["ResourceChange"]["Action"] == "Add"


def test_what_a_stack_has_is_not_to_be_had(cloud: Cloud) -> None:
    assert cloud.deploy(template({"K": thing()}), **IMPORTING) == "CREATE_COMPLETE"
    planned = cloud.plan(template({"K": thing()}), stack="t", **IMPORTING)
    assert planned["Changes"][0]["ResourceChange"]["Action"] == "Add"


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
@pytest.mark.parametrize("updating", [False, True])
def test_what_was_imported_stays_when_the_operation_is_rolled_back(
    cloud: Cloud, policy: str, updating: bool
) -> None:
    if updating:
        assert cloud.deploy(template({"Z": {}})) == "CREATE_COMPLETE"
    cloud.world.fail(("create", "A"))
    document = template({"Z": {}, "K": thing(policy=policy), "A": {"Uses": [ref("K")]}})
    ended = "UPDATE_ROLLBACK_COMPLETE" if updating else "ROLLBACK_COMPLETE"
    assert cloud.deploy(document, **IMPORTING) == ended
    assert "kept-1" in cloud.world.things
    assert ("delete", "K") not in cloud.world.calls


def test_what_has_gone_meanwhile_is_not_made_anew(cloud: Cloud) -> None:
    planned = cloud.plan(template({"K": thing()}), **IMPORTING)
    cloud.world.standing.clear()
    cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert cloud.status() == "ROLLBACK_COMPLETE"
    assert cloud.reason("K", "IMPORT_FAILED") == (
        "Resource kept to be imported does not exist any more"
    )
