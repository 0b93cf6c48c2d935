"""A custom resource whose function is in a VPC: it connects to a server there, and answers by an endpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

CODE = """
import json, os, socket, urllib.request
def handler(event, context):
    properties = event["ResourceProperties"]
    if properties.get("Crash"):
        raise RuntimeError("no answer")
    said = {"Status": "SUCCESS", "PhysicalResourceId": "reached"}
    if event["RequestType"] != "Delete":
        try:
            with socket.create_connection((properties["Address"], 5432), timeout=1.5) as found:
                said["Data"] = {"Said": found.recv(100).decode()}
        except OSError as error:
            said |= {"Status": "FAILED", "Reason": type(error).__name__}
    said |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    asked = urllib.request.Request(event["ResponseURL"], json.dumps(said).encode(), method="PUT")
    urllib.request.urlopen(asked, timeout=3)
"""
CAPABILITIES = ["CAPABILITY_IAM"]


def template(place: dict[str, Any] | None, **properties: Any) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [{**trust, "Action": "sts:AssumeRole"}]},
        "ManagedPolicyArns": [
            "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
        ],
    }
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": CODE},
        "Timeout": 10,
        **({"VpcConfig": place} if place else {}),
    }
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    return json.dumps(
        {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
                "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
                "Reach": {
                    "Type": "Custom::Reach",
                    "Properties": {"ServiceToken": token, **properties},
                },
            },
            "Outputs": {"Said": {"Value": {"Fn::GetAtt": ["Reach", "Said"]}}},
        }
    )


def deployed(state: str) -> dict[str, Any]:
    from tests.twin.ec2 import sample
    from tests.twin.lambda_.vpc_region import VpcRegion

    here = VpcRegion(state)
    made = here.make_vpc()
    mine, theirs = made["groups"]
    cloudformation, ec2 = here.client("cloudformation"), here.client("ec2")
    server, address = here.make_server(made["subnets"][1], theirs)
    sample.listen(server, 5432, "database")
    place = {"SubnetIds": [made["subnets"][0]], "SecurityGroupIds": [mine]}

    def deploy(stack: str, body: str) -> list[Any]:
        name = cloudformation.create_stack(
            StackName=stack, TemplateBody=body, Capabilities=CAPABILITIES
        )["StackId"]
        return settled(name)

    def settled(name: str) -> list[Any]:
        def found() -> dict[str, Any] | None:
            stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = here.wait(found, f"{name} did not settle", 60)
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        why = [
            one["ResourceStatusReason"].partition(" (RequestId")[0]
            for one in events
            if one["ResourceStatus"].endswith("FAILED") and one["LogicalResourceId"] == "Reach"
        ]
        said = [one["OutputValue"] for one in stack.get("Outputs", ())]
        return [stack["StackStatus"], why, said]

    seen: dict[str, Any] = {}
    silent = template(place, Address=address, ServiceTimeout=3)
    seen["no way to S3"] = deploy("silent", silent)
    here.make_endpoint(made["vpc"])
    seen["groups in the way"] = deploy("closed", template(place, Address=address))
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    peer = {"UserIdGroupPairs": [{"GroupId": mine}]}
    ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[{**rule, **peer}])
    seen["reached"] = deploy("open", template(place, Address=address))
    own = here.interfaces()[0]["PrivateIpAddress"]
    seen["reached"][2] = seen["reached"][2] == [f"database {own}"]
    seen["outside"] = deploy("outside", template(None, Address=address))
    seen["crashed"] = deploy("crashed", template(place, Crash="yes", ServiceTimeout=2))

    seen["deleted"] = []
    for stack, kept in (("open", []), ("silent", []), ("crashed", []), ("crashed", ["Reach"])):
        name = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack, RetainResources=kept)
        seen["deleted"].append(settled(name)[0])
    here.wait(lambda: not here.interfaces(), "an interface stays")
    vpcs = [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]]

    def clean() -> bool:
        left = {one.name for one in Path("/run/netns").iterdir()}
        return left == {server, "internet", *vpcs}

    here.wait(clean, "a namespace stays")
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = run_inside(deployed, str(tmp_path_factory.mktemp("state")))
    return found


def test_it_answers_by_the_endpoint_and_reaches_what_the_groups_admit_it_to(
    seen: dict[str, Any],
) -> None:
    assert seen["reached"] == ["CREATE_COMPLETE", [], True]
    status, (why,), _ = seen["groups in the way"]
    assert (status, why) == (
        "ROLLBACK_COMPLETE",
        "Received response status [FAILED] from custom resource. Message returned: TimeoutError",
    )


def test_a_function_outside_reaches_nothing_of_the_vpc(seen: dict[str, Any]) -> None:
    status, (why,), _ = seen["outside"]
    assert status == "ROLLBACK_COMPLETE"
    assert "[FAILED]" in why


@pytest.mark.parametrize("how", ["no way to S3", "crashed"])
def test_without_an_answer_the_stack_waits_and_fails(seen: dict[str, Any], how: str) -> None:
    status, why, _ = seen[how]
    assert status == "ROLLBACK_FAILED"  # nor is the request to delete it answered
    assert all(one.startswith("CloudFormation did not receive a response") for one in why)
    assert len(why) == 2


def test_nothing_is_left(seen: dict[str, Any]) -> None:
    assert seen["deleted"] == [
        *("DELETE_COMPLETE", "DELETE_COMPLETE", "DELETE_FAILED", "DELETE_COMPLETE"),
    ]
