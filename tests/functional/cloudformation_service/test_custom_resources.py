"""Custom resources: CloudFormation invokes a function and reads what it puts at the address it was given."""

from __future__ import annotations

import io
import json
import urllib.error
import zipfile
from typing import Any

import pytest
from tests.functional.answering import Answering
from tests.functional.cloudformation_service.conftest import Twin
from tests.trust import trusting

from underpass.twin.api import patch
from underpass.twin.services.iam import patches as iam
from underpass.twin.services.lambda_ import patches as lambda_


@pytest.fixture
def function(twin: Twin) -> Answering:
    patch.apply(lambda_, iam)
    made = Answering(twin.region.clients.endpoint_url)
    lambda_.attach(made)
    role = twin.client("iam").create_role(
        RoleName="r", AssumeRolePolicyDocument=trusting("lambda")
    )["Role"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", "")
    twin.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Code={"ZipFile": package.getvalue()},
    )
    return made


@pytest.fixture(autouse=True)
def _no_stacks(twin: Twin) -> Any:
    yield
    from moto.moto_api._internal import moto_api_backend

    moto_api_backend.reset()


def template(**properties: Any) -> str:
    token = "arn:aws:lambda:us-east-1:123456789012:function:f"
    roles = {"Type": "Custom::Roles", "Properties": {"ServiceToken": token, **properties}}
    outputs = {
        "Id": {"Value": {"Ref": "Roles"}},
        "Reader": {"Value": {"Fn::GetAtt": ["Roles", "Reader"]}},
    }
    return json.dumps({"Resources": {"Roles": roles}, "Outputs": outputs})


def reasons(twin: Twin, stack: str, status: str) -> list[str]:
    events = twin.client().describe_stack_events(StackName=stack)["StackEvents"]
    return [
        str(one.get("ResourceStatusReason", ""))
        for one in events
        if one["LogicalResourceId"] == "Roles" and one["ResourceStatus"] == status
    ]


def outputs(twin: Twin) -> dict[str, str]:
    found = twin.client().describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    return {one["OutputKey"]: one["OutputValue"] for one in found}


def test_it_is_made_changed_and_deleted_by_its_function(twin: Twin, function: Answering) -> None:
    function.answer = lambda request: {
        "PhysicalResourceId": f"roles-{request['ResourceProperties']['Port']}",
        "Data": {"Reader": "reader"},
    }
    cloudformation = twin.client()
    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=template(Port=1))["StackId"]
    assert twin.settled("s") == "CREATE_COMPLETE"
    assert outputs(twin) == {"Id": "roles-1", "Reader": "reader"}
    cloudformation.update_stack(StackName="s", TemplateBody=template(Port=2))
    assert twin.settled("s") == "UPDATE_COMPLETE"
    assert outputs(twin) == {"Id": "roles-2", "Reader": "reader"}
    cloudformation.delete_stack(StackName="s")
    assert twin.settled(stack_id) == "DELETE_COMPLETE"
    assert function.kinds() == ["Create", "Update", "Delete", "Delete"]
    create, update, old, last = function.requests
    assert create["ResourceType"] == "Custom::Roles"
    assert create["StackId"] == stack_id
    assert create["ResourceProperties"]["Port"] == "1"
    assert update["OldResourceProperties"]["Port"] == "1"
    assert [one["PhysicalResourceId"] for one in (update, old, last)] == [
        *("roles-1", "roles-1", "roles-2"),
    ]
    buckets = twin.client("s3").list_buckets()["Buckets"]
    assert not [one["Name"] for one in buckets if one["Name"].startswith("cloudformation-")]


def test_a_failure_has_its_reason_and_is_rolled_back(twin: Twin, function: Answering) -> None:
    function.answer = lambda request: (
        {"Status": "FAILED", "Reason": "no database", "PhysicalResourceId": "half"}
        if request["RequestType"] == "Create"
        else {}
    )
    twin.client().create_stack(StackName="s", TemplateBody=template())
    assert twin.settled("s") == "ROLLBACK_COMPLETE"
    create, delete = function.requests
    (reason,) = reasons(twin, "s", "CREATE_FAILED")
    assert reason == (
        "Received response status [FAILED] from custom resource. Message returned: no database "
        f"(RequestId: {create['RequestId']})"
    )
    assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "half")


def test_no_answer_is_a_failure_after_the_time_out(twin: Twin, function: Answering) -> None:
    function.answer = lambda request: None if request["RequestType"] == "Create" else {}
    twin.client().create_stack(StackName="s", TemplateBody=template(ServiceTimeout=1))
    assert twin.settled("s") == "ROLLBACK_COMPLETE"
    request = function.requests[0]
    (reason,) = reasons(twin, "s", "CREATE_FAILED")
    assert reason.startswith(
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs "
        f"for requestId [{request['RequestId']}]."
    )
    assert function.kinds() == ["Create", "Delete"]


def test_another_function_is_not_allowed(twin: Twin, function: Answering) -> None:
    function.answer = lambda request: {"Data": {"Reader": "r"}}
    twin.client().create_stack(StackName="s", TemplateBody=template())
    assert twin.settled("s") == "CREATE_COMPLETE"
    other = template().replace("function:f", "function:g")
    twin.client().update_stack(StackName="s", TemplateBody=other)
    assert twin.settled("s") == "UPDATE_ROLLBACK_COMPLETE"
    assert reasons(twin, "s", "UPDATE_FAILED") == ["Modifying service token is not allowed."]
    assert function.kinds() == ["Create"]


def test_a_function_that_is_not_there_is_the_resources_failure(twin: Twin) -> None:
    twin.client().create_stack(StackName="s", TemplateBody=template())
    assert twin.settled("s") == "ROLLBACK_COMPLETE"
    assert "Function not found" in reasons(twin, "s", "CREATE_FAILED")[0]


def test_an_answer_that_nobody_awaits_changes_nothing(twin: Twin, function: Answering) -> None:
    function.answer = lambda request: {"Data": {"Reader": "r"}}
    twin.client().create_stack(StackName="s", TemplateBody=template())
    assert twin.settled("s") == "CREATE_COMPLETE"
    with pytest.raises(urllib.error.HTTPError):
        function.put(function.requests[0]["ResponseURL"].replace("useast1", "other"), {})
    function.put(function.requests[0]["ResponseURL"], {"Status": "FAILED"})
    assert twin.settled("s") == "CREATE_COMPLETE"
