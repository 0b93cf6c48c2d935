import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.cloudformation_service.fakes import THING, Cloud, ref, template

from underpass.twin.services.cloudformation.execution.schedule import in_thread
from underpass.twin.services.cloudformation.model import ApiError
from underpass.twin.services.cloudformation.resource_type import ProvisionError

CHAIN = template({"C": {"Uses": [ref("B")]}, "B": {"Uses": [ref("A")]}, "A": {"Size": 1}})


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_a_stack_is_created_in_the_order_of_its_references(cloud: Cloud) -> None:
    assert cloud.deploy(CHAIN) == "CREATE_COMPLETE"
    assert cloud.world.calls == [("create", "A"), ("create", "B"), ("create", "C")]
    assert cloud.events() == [
        ("-", "REVIEW_IN_PROGRESS", "User Initiated"),
        ("-", "CREATE_IN_PROGRESS", "User Initiated"),
        ("A", "CREATE_IN_PROGRESS", ""),
        ("A", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("A", "CREATE_COMPLETE", ""),
        ("B", "CREATE_IN_PROGRESS", ""),
        ("B", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("B", "CREATE_COMPLETE", ""),
        ("C", "CREATE_IN_PROGRESS", ""),
        ("C", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("C", "CREATE_COMPLETE", ""),
        ("-", "CREATE_COMPLETE", ""),
    ]


def test_outputs_and_conditions(cloud: Cloud) -> None:
    document = template(
        {"A": {"Size": 4}, "Never": {"Type": THING, "Condition": "Off"}},
        Conditions={"Off": {"Fn::Equals": ["a", "b"]}, "On": {"Fn::Not": [{"Condition": "Off"}]}},
        Outputs={
            "Id": {"Value": ref("A"), "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Id"}}},
            "Size": {"Value": {"Fn::GetAtt": ["A", "Size"]}, "Description": "how big"},
            "Zone": {"Value": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}},
            "Absent": {"Value": ref("Never"), "Condition": "Off"},
        },
    )
    assert cloud.deploy(document) == "CREATE_COMPLETE"
    (physical_id,) = cloud.world.things
    assert cloud.stack()["Outputs"] == [
        {"OutputKey": "Id", "OutputValue": physical_id, "ExportName": "s-Id"},
        {"OutputKey": "Size", "OutputValue": "4", "Description": "how big"},
        {"OutputKey": "Zone", "OutputValue": "us-east-1a"},
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ProvisionError("no such luck"), "no such luck"),
        (TimeoutError("it never came up"), "it never came up"),
        (
            ClientError({"Error": {"Code": "Limit", "Message": "too many"}}, "Make"),
            "too many (Limit in Make)",
        ),
        (KeyError("oops"), "Internal failure: KeyError: 'oops'"),
    ],
)
def test_a_failure_rolls_back_and_leaves_nothing(
    cloud: Cloud, error: Exception, reason: str
) -> None:
    cloud.world.fail(("create", "C"), error=error)
    assert cloud.deploy(CHAIN) == "ROLLBACK_COMPLETE"
    assert cloud.world.things == {}
    assert cloud.reason("C", "CREATE_FAILED") == reason
    assert cloud.reason("-", "ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [C]. Rollback requested by user."
    )
    assert cloud.world.calls[-2:] == [("delete", "B"), ("delete", "A")]
    assert cloud.events()[-1] == ("-", "ROLLBACK_COMPLETE", "")
    assert cloud.statuses("B")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_rollback_that_fails_says_so_and_the_stack_can_be_deleted_later(cloud: Cloud) -> None:
    cloud.world.fail(("create", "C"), ("delete", "B"))
    assert cloud.deploy(CHAIN) == "ROLLBACK_FAILED"
    assert (
        cloud.reason("-", "ROLLBACK_FAILED") == "The following resource(s) failed to delete: [B]."
    )
    assert set(cloud.world.by_name()) == {"A", "B"}
    cloud.world.fail()
    assert cloud.delete() == "DELETE_COMPLETE"
    assert cloud.world.things == {}


def test_a_failure_may_leave_what_is_there(cloud: Cloud) -> None:
    cloud.world.fail(("create", "C"))
    assert cloud.deploy(CHAIN, OnStackFailure="DO_NOTHING") == "CREATE_FAILED"
    assert set(cloud.world.by_name()) == {"A", "B"}
    assert cloud.stack()["DisableRollback"]
    cloud.world.fail()
    assert cloud.deploy(CHAIN, OnStackFailure="DO_NOTHING") == "UPDATE_COMPLETE"
    assert set(cloud.world.by_name()) == {"A", "B", "C"}


def test_what_is_under_way_when_something_fails_is_kept_where_all_is() -> None:
    cloud = Cloud(in_thread)
    document = template({"A": {}, "B": {}, "C": {"Uses": [ref("B")]}, "D": {"Uses": [ref("A")]}})
    begun = threading.Event()

    def fails(_verb: str, name: str) -> Exception | None:
        if name == "A":
            assert begun.wait(10)
            return ProvisionError("no such luck")
        if name == "B":
            begun.set()
            cloud.settled("A", "CREATE_FAILED")
        return None

    cloud.world.fails = fails
    cloud.deploy(document, OnStackFailure="DO_NOTHING")
    cloud.settled("-", "CREATE_FAILED")
    assert cloud.statuses("B")[-1] == cloud.statuses("C")[-1] == "CREATE_COMPLETE"
    assert cloud.statuses("D") == []
    assert cloud.reason("-", "CREATE_FAILED") == "The following resource(s) failed to create: [A]."

    cloud.world.fail()
    cloud.world.calls.clear()
    cloud.deploy(document, OnStackFailure="DO_NOTHING")
    cloud.settled("-", "UPDATE_COMPLETE")
    assert cloud.world.calls == [("create", "A"), ("create", "D")]


def test_a_failure_may_delete_the_stack(cloud: Cloud) -> None:
    cloud.world.fail(("create", "C"))
    planned = cloud.plan(CHAIN, OnStackFailure="DELETE")
    cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert cloud.status(planned["StackId"]) == "DELETE_COMPLETE"
    assert cloud.world.things == {}
    with pytest.raises(ApiError, match="Stack with id s does not exist"):
        cloud.stack()


def test_an_attribute_that_does_not_exist_fails_the_resource_that_asks(cloud: Cloud) -> None:
    document = template({"A": {}, "B": {"Size": {"Fn::GetAtt": ["A", "Colour"]}}})
    assert cloud.deploy(document) == "ROLLBACK_COMPLETE"
    assert cloud.reason("B", "CREATE_FAILED") == (
        "B (Fake::World::Thing), property Size: Template error: resource A does not support attribute type "
        "Colour in Fn::GetAtt (Fake::World::Thing on the twin has Arn, Size)"
    )
    assert cloud.world.things == {}


def test_an_output_that_cannot_be_resolved_rolls_back(cloud: Cloud) -> None:
    document = template({"A": {}}, Outputs={"O": {"Value": {"Fn::GetAtt": ["A", "Colour"]}}})
    assert cloud.deploy(document) == "ROLLBACK_COMPLETE"
    assert "output O" in cloud.reason("-", "ROLLBACK_IN_PROGRESS")
    assert cloud.world.things == {}


def test_secrets_reach_the_provider_and_nobody_else(cloud: Cloud) -> None:
    document = template(
        {
            "A": {
                "Secret": "{{resolve:secretsmanager:db:SecretString:password}}",
                "Name": ref("Hidden"),
            }
        },
        Parameters={"Hidden": {"Type": "String", "NoEcho": True}},
    )
    assert cloud.deploy(document, Parameters=[given("Hidden", "swordfish")]) == "CREATE_COMPLETE"
    assert cloud.world.by_name()["A"]["Secret"] == "hunter2"
    assert cloud.world.by_name()["A"]["Name"] == "swordfish"
    told = str([cloud.engine.describe_stack_events({"StackName": "s"}), cloud.stack()])
    assert "hunter2" not in told
    assert "swordfish" not in told
    assert "{{resolve:secretsmanager:db:SecretString:password}}" in told


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("secretsmanager:gone", "Could not read gone from secretsmanager: no such secret"),
        (
            "secretsmanager:db:SecretString:user",
            "Could not find a value associated with JSONKey user",
        ),
        ("ssm:/none", "Could not read /none from ssm"),
        ("ssm-secure:/ami", "refer to it with ssm"),
    ],
)
def test_a_secret_that_is_not_there_fails_the_resource(
    cloud: Cloud, reference: str, reason: str
) -> None:
    assert (
        cloud.deploy(template({"A": {"Secret": f"{{{{resolve:{reference}}}}}"}}))
        == "ROLLBACK_COMPLETE"
    )
    assert reason in cloud.reason("A", "CREATE_FAILED")


def given(key: str, value: str) -> dict[str, str]:
    return {"ParameterKey": key, "ParameterValue": value}


def test_stored_parameters_are_read_when_the_change_set_is_made(cloud: Cloud) -> None:
    document = template(
        {"A": {"Name": ref("Ami")}},
        Parameters={"Ami": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/ami"}},
    )
    planned = cloud.plan(document)
    cloud.services.parameters["/ami"] = "ami-2"
    cloud.engine.execute_change_set({"ChangeSetName": planned["ChangeSetId"]})
    assert cloud.world.by_name()["A"]["Name"] == "ami-1"
    assert cloud.stack()["Parameters"] == [
        {"ParameterKey": "Ami", "ParameterValue": "/ami", "ResolvedValue": "ami-1"}
    ]
    # A newer image is a change, though neither template nor parameter differs.
    changes: list[Any] = cloud.plan(document)["Changes"]
    assert [change["ResourceChange"]["Replacement"] for change in changes] == ["True"]


def test_create_stack_without_a_change_set(cloud: Cloud) -> None:
    import json

    made = cloud.engine.create_stack({"StackName": "s", "TemplateBody": json.dumps(CHAIN)})
    assert cloud.stack()["StackId"] == made["StackId"]
    assert cloud.status() == "CREATE_COMPLETE"
    with pytest.raises(ApiError, match=r"Stack \[s\] already exists") as refused:
        cloud.engine.create_stack({"StackName": "s", "TemplateBody": json.dumps(CHAIN)})
    assert refused.value.code == "AlreadyExistsException"


def test_resources_are_described_from_every_side(cloud: Cloud) -> None:
    cloud.deploy(CHAIN)
    listed = cloud.engine.describe_stack_resources({"StackName": "s"})["StackResources"]
    assert [item["LogicalResourceId"] for item in listed] == ["A", "B", "C"]
    physical_id = listed[1]["PhysicalResourceId"]
    assert (
        cloud.engine.describe_stack_resources({"PhysicalResourceId": physical_id})["StackResources"]
        == listed
    )
    one = {"StackName": "s", "LogicalResourceId": "B"}
    assert cloud.engine.describe_stack_resources(one)["StackResources"] == [listed[1]]
    (detail,) = cloud.engine.describe_stack_resource(one).values()
    assert (detail["PhysicalResourceId"], detail["ResourceStatus"]) == (
        physical_id,
        "CREATE_COMPLETE",
    )
    with pytest.raises(ApiError, match="Either StackName or PhysicalResourceId"):
        cloud.engine.describe_stack_resources({})


def test_the_zones_of_another_region_are_not_known(cloud: Cloud) -> None:
    planned = cloud.plan(
        template({"A": {"Name": {"Fn::Select": [0, {"Fn::GetAZs": "eu-west-1"}]}}})
    )
    assert "eu-west-1 is not this region, us-east-1" in planned["StatusReason"]
