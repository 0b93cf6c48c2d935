from typing import Any

import pytest
from tests.unit.cloudformation_service.fakes import Cloud, ref, template

from underpass.twin.services.cloudformation.model import ApiError


def exporting(name: str = "net-Id", **a: Any) -> dict[str, Any]:
    return template({"A": a}, Outputs={"Id": {"Value": ref("A"), "Export": {"Name": name}}})


IMPORTING = template({"B": {"Uses": [{"Fn::ImportValue": {"Fn::Sub": "${Net}-Id"}}]}}) | {
    "Parameters": {"Net": {"Type": "String", "Default": "net"}}
}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    assert cloud.deploy(exporting(), "net") == "CREATE_COMPLETE"
    assert cloud.deploy(IMPORTING, "app") == "CREATE_COMPLETE"
    return cloud


def test_an_export_is_imported(cloud: Cloud) -> None:
    (export,) = cloud.engine.list_exports({})["Exports"]
    assert export["Name"] == "net-Id"
    assert export["ExportingStackId"] == cloud.stack("net")["StackId"]
    assert cloud.world.by_name()["B"]["Uses"] == [export["Value"]]
    assert cloud.engine.list_imports({"ExportName": "net-Id"}) == {"Imports": ["app"]}


def test_nobody_imports(cloud: Cloud) -> None:
    cloud.delete("app")
    with pytest.raises(ApiError, match="Export 'net-Id' is not imported by any stack"):
        cloud.engine.list_imports({"ExportName": "net-Id"})


def test_an_export_in_use_holds_its_stack(cloud: Cloud) -> None:
    with pytest.raises(ApiError, match="Export net-Id cannot be deleted as it is in use by app"):
        cloud.delete("net")
    assert cloud.status("net") == "CREATE_COMPLETE"
    planned = cloud.plan(exporting("other-Id"), "net")
    assert planned["StatusReason"] == "Export net-Id cannot be deleted as it is in use by app"
    cloud.delete("app")
    assert cloud.delete("net") == "DELETE_COMPLETE"
    assert cloud.engine.list_exports({}) == {"Exports": []}


def test_an_export_in_use_keeps_its_value(cloud: Cloud) -> None:
    before = dict(cloud.world.things)
    assert cloud.deploy(exporting(Name="new"), "net") == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export net-Id cannot be updated as it is in use by app" in cloud.reason(
        "-", "UPDATE_ROLLBACK_IN_PROGRESS", "net"
    )
    assert cloud.world.things == before
    assert cloud.deploy(exporting(Size=3), "net") == "UPDATE_COMPLETE"


def test_a_name_is_exported_once(cloud: Cloud) -> None:
    planned = cloud.plan(exporting(), "net2")
    assert planned["StatusReason"] == "Export with name net-Id is already exported by stack net"
    twice = exporting("new-Id")
    twice["Outputs"]["Again"] = twice["Outputs"]["Id"]
    assert cloud.plan(twice, "net2")["StatusReason"] == "Duplicate Export names: new-Id"


def test_a_missing_export_is_named_up_front(cloud: Cloud) -> None:
    planned = cloud.plan(
        IMPORTING, "app2", Parameters=[{"ParameterKey": "Net", "ParameterValue": "nowhere"}]
    )
    assert planned["Status"] == "FAILED"
    assert planned["StatusReason"] == (
        "B (Fake::World::Thing), property Uses: No export named nowhere-Id found."
    )


def test_an_export_that_went_between_plan_and_execution(cloud: Cloud) -> None:
    planned = cloud.plan(IMPORTING, "app2")
    cloud.delete("app")
    cloud.delete("net")
    with pytest.raises(ApiError, match="No export named net-Id found"):
        cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert cloud.status("app2") == "REVIEW_IN_PROGRESS"


def test_a_name_taken_between_plan_and_execution(cloud: Cloud) -> None:
    planned = cloud.plan(exporting("late-Id"), "one")
    assert cloud.deploy(exporting("late-Id"), "two") == "CREATE_COMPLETE"
    cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert cloud.status("one") == "ROLLBACK_COMPLETE"
    assert "already exported by stack two" in cloud.reason("-", "ROLLBACK_IN_PROGRESS", "one")


def test_a_failed_import_no_longer_holds_the_export(cloud: Cloud) -> None:
    cloud.delete("app")
    cloud.world.fail(("create", "B"))
    assert cloud.deploy(IMPORTING, "app") == "ROLLBACK_COMPLETE"
    assert cloud.delete("net") == "DELETE_COMPLETE"
