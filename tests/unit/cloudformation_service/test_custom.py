"""Custom resources: the documents, and what becomes of a stack by what a function answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import pytest
from tests.unit.cloudformation_service.fakes import Cloud, ref, template

from underpass.twin.region.aws_hosts import GATEWAY_SERVICES, named
from underpass.twin.services.cloudformation.cfn import CustomResource
from underpass.twin.services.cloudformation.custom import answers
from underpass.twin.services.cloudformation.custom.documents import (
    LONGEST_ANSWER,
    Request,
    as_text,
    read,
)
from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.cloudformation.resource_type import (
    CUSTOM,
    LeftBehindError,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    ResourceType,
    known_as,
)

TOKEN = "arn:aws:lambda:us-east-1:123456789012:function:f"
REQUEST = Request(
    kind="Update",
    id="r-1",
    stack_id="arn:stack",
    logical_id="Roles",
    resource_type="Custom::Roles",
    response_url="http://somewhere",
    properties={"ServiceToken": TOKEN, "Port": 5432, "Deep": [{"On": True}]},
    physical_id="p-1",
    old_properties={"ServiceToken": TOKEN, "Port": 1},
)
ANSWER: dict[str, Any] = {
    "Status": "SUCCESS",
    "PhysicalResourceId": "p-1",
    "StackId": "arn:stack",
    "RequestId": "r-1",
    "LogicalResourceId": "Roles",
}


def test_a_request_has_what_aws_sends_with_every_scalar_as_text() -> None:
    assert REQUEST.document() == {
        "RequestType": "Update",
        "ServiceToken": TOKEN,
        "ResponseURL": "http://somewhere",
        "StackId": "arn:stack",
        "RequestId": "r-1",
        "LogicalResourceId": "Roles",
        "PhysicalResourceId": "p-1",
        "ResourceType": "Custom::Roles",
        "ResourceProperties": {"ServiceToken": TOKEN, "Port": "5432", "Deep": [{"On": "true"}]},
        "OldResourceProperties": {"ServiceToken": TOKEN, "Port": "1"},
    }
    first = replace(REQUEST, kind="Create", physical_id="", old_properties=None).document()
    assert not {"PhysicalResourceId", "OldResourceProperties"} & first.keys()
    assert as_text(1.5) == "1.5"


def said(**changes: Any) -> bytes:
    return json.dumps({**ANSWER, **changes}).encode()


def test_an_answer_is_read() -> None:
    made = read(said(Data={"Arn": "a"}, NoEcho=True), REQUEST).physical()
    assert made == Physical("p-1", {"Arn": "a"}, hidden=True)
    failed = read(said(Status="FAILED", Reason="no", PhysicalResourceId=None), REQUEST)
    assert failed.failed == (
        "Received response status [FAILED] from custom resource. Message returned: no (RequestId: r-1)"
    )
    assert failed.physical_id == ""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"nothing", "no JSON object"),
        (b"[]", "no JSON object"),
        (said(RequestId="r-2"), "RequestId is not the request's"),
        (said(StackId="other"), "StackId is not the request's"),
        (said(Status="DONE"), "Status must be SUCCESS or FAILED"),
        (said(Status="FAILED"), "FAILED needs a Reason"),
        (said(PhysicalResourceId=""), "Invalid PhysicalResourceId"),
        (said(PhysicalResourceId="p" * 1025), "Invalid PhysicalResourceId"),
        (said(Data=["x"]), "Data must be an object"),
        (said(Data={"x": "y" * LONGEST_ANSWER}), "too long"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(ProvisionError, match=says) as caught:
        read(body, REQUEST)
    assert "(RequestId: r-1)" in str(caught.value)


def test_answers_go_to_a_bucket_of_s3s_address() -> None:
    url = answers.url("eu-west-1", "arn:stack|Roles|r-1")
    host = "cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com"
    assert url.startswith(f"http://{host}:443/arn%3Astack%7CRoles%7Cr-1?X-Amz-Algorithm=")
    assert named(host) == GATEWAY_SERVICES["s3"]


@pytest.mark.parametrize(
    ("type_", "known"),
    [
        ("Custom::Roles_1@x-y", CUSTOM),
        (CUSTOM, CUSTOM),
        ("Custom::", "Custom::"),
        ("Custom::a b", "Custom::a b"),
        ("Custom::" + "x" * 53, "Custom::" + "x" * 53),
        ("AWS::S3::Bucket", "AWS::S3::Bucket"),
    ],
)
def test_which_types_are_custom(type_: str, known: str) -> None:
    assert known_as(type_) == known


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({}, "ServiceToken is missing"),
        ({"ServiceToken": "arn:aws:sns:us-east-1:123456789012:t"}, "SNS topics do not work"),
        ({"ServiceToken": TOKEN.replace("us-east-1", "eu-west-1")}, "in us-east-1"),
        ({"ServiceToken": "f"}, "is not the ARN"),
        ({"ServiceToken": TOKEN, "ServiceTimeout": "0"}, "from 1 to 3600"),
        ({"ServiceToken": TOKEN, "ServiceTimeout": "soon"}, "from 1 to 3600"),
        ({"ServiceToken": TOKEN, "ServiceTimeout": 60, "Anything": "x"}, ""),
    ],
)
def test_what_cloudformation_reads_is_checked_before_anything_is_made(
    properties: dict[str, Any], says: str
) -> None:
    cloud = Cloud()
    cloud.engine = Engine(cloud.region, {CUSTOM: CustomResource(cloud.region)})
    planned = cloud.plan(template({"A": {"Type": "Custom::Roles", "Properties": properties}}))
    assert (planned["Status"] == "FAILED") is bool(says)
    assert says in planned.get("StatusReason", "")


# What becomes of a stack


class Asked(ResourceType):
    """A function that makes what it is told to; the property Id is its physical id, Fails what it refuses."""

    type = CUSTOM
    may_replace = True
    asked: list[tuple[str, str, str]]
    logical: LogicalResource
    called: str

    def of(self, logical: LogicalResource, type_: str) -> Self:
        self.logical, self.called = logical, type_
        return self

    def ignored(self, given: Any) -> list[str]:
        return []

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        return self._answer("Create", properties, str(properties["Id"]))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        self._answer("Update", new, physical.id)
        return Physical(physical.id if "Sticky" in old else str(new["Id"]), new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        self._answer("Delete", properties, physical.id)

    def _answer(self, kind: str, properties: Properties, physical_id: str) -> Physical:
        self.asked.append((kind, physical_id, str(properties.get("Size", ""))))
        if properties.get("Fails") == kind:
            raise LeftBehindError("no", Physical(physical_id))
        return Physical(physical_id, properties, hidden="Secret" in properties)


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    function = Asked(made.region)
    function.asked = []
    types: Mapping[str, ResourceType] = {**made.engine._resource_types, CUSTOM: function}
    made.engine = Engine(made.region, types, made.engine._spawn)
    return made


def custom(**properties: Any) -> dict[str, Any]:
    return {"Type": "Custom::Roles", "Properties": properties}


def asked(cloud: Cloud) -> list[tuple[str, str, str]]:
    function = cloud.engine._resource_types[CUSTOM]
    assert isinstance(function, Asked)
    assert function.called == "Custom::Roles"
    found, function.asked = function.asked, []
    return found


def test_data_are_attributes_and_ref_is_the_physical_id(cloud: Cloud) -> None:
    uses = {"Size": {"Fn::GetAtt": ["C", "Arn"]}, "Name": ref("C")}
    assert (
        cloud.deploy(template({"C": custom(Id="one", Arn="arn"), "T": uses})) == "CREATE_COMPLETE"
    )
    assert cloud.world.by_name()["T"] == {"LogicalId": "T", "Size": "arn", "Name": "one"}
    assert cloud.delete() == "DELETE_COMPLETE"
    assert asked(cloud) == [("Create", "one", ""), ("Delete", "one", "")]


def test_no_echo_hides_the_data_where_properties_are_shown(cloud: Cloud) -> None:
    uses = {"Size": {"Fn::GetAtt": ["C", "Secret"]}}
    cloud.deploy(template({"C": custom(Id="one", Secret="word"), "T": uses}))
    assert cloud.world.by_name()["T"]["Size"] == "word"
    events = cloud.engine.describe_stack_events({"StackName": "s"})["StackEvents"]
    shown = [one.get("ResourceProperties", "") for one in events if one["LogicalResourceId"] == "T"]
    assert not any("word" in one for one in shown)
    assert any("****" in one for one in shown)


def test_a_creation_that_failed_is_deleted_by_the_rollback(cloud: Cloud) -> None:
    status = cloud.deploy(template({"C": custom(Id="one", Fails="Create")}))
    assert status == "ROLLBACK_COMPLETE"
    assert asked(cloud) == [("Create", "one", ""), ("Delete", "one", "")]
    assert cloud.statuses("C") == [
        *("CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
    ]


def test_one_that_failed_in_a_stack_that_stays_is_made_anew_and_deleted_with_the_stack(
    cloud: Cloud,
) -> None:
    stays = {"OnStackFailure": "DO_NOTHING"}
    assert cloud.deploy(template({"C": custom(Id="one", Fails="Create")}), **stays) == (
        "CREATE_FAILED"
    )
    assert cloud.deploy(template({"C": custom(Id="two")}), **stays) == "UPDATE_COMPLETE"
    assert cloud.delete() == "DELETE_COMPLETE"
    first, second, *deleted = asked(cloud)
    assert (first[:2], second[:2]) == (("Create", "one"), ("Create", "two"))
    assert sorted(deleted) == [("Delete", "one", ""), ("Delete", "two", "")]


def test_an_update_with_another_physical_id_deletes_the_old_at_the_end(cloud: Cloud) -> None:
    cloud.deploy(template({"C": custom(Id="one", Size=1), "T": {"Name": ref("C")}}))
    new = template({"C": custom(Id="two", Size=2), "T": {"Name": ref("C")}})
    assert cloud.deploy(new) == "UPDATE_COMPLETE"
    assert asked(cloud) == [("Create", "one", "1"), ("Update", "one", "2"), ("Delete", "one", "1")]
    assert cloud.world.by_name()["T"]["Name"] == "two"
    assert "create a new physical resource" in cloud.reason("C", "UPDATE_IN_PROGRESS")
    cloud.delete()
    assert asked(cloud) == [("Delete", "two", "2")]


@pytest.mark.parametrize("renamed", [False, True])
def test_an_update_is_led_back(cloud: Cloud, renamed: bool) -> None:
    cloud.deploy(template({"C": custom(Id="one", Size=1), "T": {"Size": 1, "Uses": []}}))
    new = custom(Id="two" if renamed else "one", Size=2)
    broken = template({"C": new, "T": {"Size": 2, "Uses": ["nothing"]}, "Z": {"Uses": [ref("C")]}})
    asked(cloud)
    assert cloud.deploy(broken) == "UPDATE_ROLLBACK_COMPLETE"
    found = asked(cloud)
    name = "two" if renamed else "one"
    assert found[:2] == [("Update", "one", "2"), ("Update", name, "1")]
    assert found[2:] == ([("Delete", "two", "2")] if renamed else [])
    cloud.delete()
    assert asked(cloud) == [("Delete", "one", "1")]


def test_what_an_update_made_stays_where_the_way_back_names_it_again(cloud: Cloud) -> None:
    cloud.deploy(template({"C": custom(Id="one", Size=1), "T": {"Size": 1, "Uses": []}}))
    new = custom(Id="two", Size=2, Sticky=True)
    broken = template({"C": new, "T": {"Size": 2, "Uses": ["nothing"]}, "Z": {"Uses": [ref("C")]}})
    asked(cloud)
    assert cloud.deploy(broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert asked(cloud) == [("Update", "one", "2"), ("Update", "two", "1")]
    cloud.delete()
    assert asked(cloud) == [("Delete", "two", "1")]


def test_a_deletion_that_fails_keeps_the_resource(cloud: Cloud) -> None:
    cloud.deploy(template({"C": custom(Id="one", Fails="Delete")}))
    assert cloud.delete() == "DELETE_FAILED"
    assert cloud.reason("C", "DELETE_FAILED") == "no"
