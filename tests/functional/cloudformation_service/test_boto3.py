"""The wire format, as boto3 reads it, and real resource types behind it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.functional.cloudformation_service.conftest import Twin
from tests.unit.cloudformation_service.fakes import THING, template

from underpass.twin.region.aws import Clients

NETWORK: dict[str, Any] = {
    "Parameters": {"Cidr": {"Type": "String", "Default": "10.1.0.0/16"}},
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Cidr"}}},
        "SubnetA": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": {
                    "Fn::Select": [0, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]
                },
                "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            },
        },
        "SubnetB": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": {
                    "Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]
                },
                "AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
            },
        },
    },
    "Outputs": {
        "SubnetIds": {
            "Value": {"Fn::Join": [",", [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-SubnetIds"}},
        }
    },
}


def deploy(twin: Twin, stack: str, document: Any, kind: str = "CREATE", **more: Any) -> str:
    cloudformation = twin.client()
    made = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="c",
        ChangeSetType=kind,
        TemplateBody=json.dumps(document),
        **more,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made["Id"])
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    return twin.settled(stack)


def test_a_network_comes_changes_and_goes(twin: Twin) -> None:
    assert deploy(twin, "net", NETWORK) == "CREATE_COMPLETE"
    cloudformation, ec2 = twin.client(), twin.client("ec2")
    (stack,) = cloudformation.describe_stacks(StackName="net")["Stacks"]
    ids = stack["Outputs"][0]["OutputValue"].split(",")
    subnets = ec2.describe_subnets(SubnetIds=ids)["Subnets"]
    found = {subnet["CidrBlock"]: subnet["AvailabilityZone"] for subnet in subnets}
    assert found == {"10.1.0.0/24": "us-east-1a", "10.1.1.0/24": "us-east-1b"}
    vpc_id = subnets[0]["VpcId"]

    with pytest.raises(ClientError) as refused:
        cloudformation.update_stack(StackName="net", UsePreviousTemplate=True)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == "No updates are to be performed."

    parameters = [{"ParameterKey": "Cidr", "ParameterValue": "10.2.0.0/16"}]
    assert deploy(twin, "net", NETWORK, "UPDATE", Parameters=parameters) == "UPDATE_COMPLETE"
    (stack,) = cloudformation.describe_stacks(StackName="net")["Stacks"]
    moved = ec2.describe_subnets(SubnetIds=stack["Outputs"][0]["OutputValue"].split(","))["Subnets"]
    assert {subnet["CidrBlock"] for subnet in moved} == {"10.2.0.0/24", "10.2.1.0/24"}
    with pytest.raises(ClientError, match="InvalidVpcID"):
        ec2.describe_vpcs(VpcIds=[vpc_id])

    cloudformation.delete_stack(StackName="net")
    assert twin.settled(stack["StackId"]) == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="InvalidVpcID"):
        ec2.describe_vpcs(VpcIds=[moved[0]["VpcId"]])


def test_answers_say_that_they_are_xml(twin: Twin) -> None:
    over_http = Clients(twin.region.clients.endpoint_url, twin.region.name)
    answer = over_http("cloudformation").describe_stacks()["ResponseMetadata"]
    assert answer["HTTPHeaders"]["content-type"] == "text/xml"


def test_a_real_refusal_rolls_a_real_network_back(twin: Twin) -> None:
    document = json.loads(json.dumps(NETWORK))
    document["Resources"]["SubnetB"]["Properties"]["CidrBlock"] = "192.168.0.0/24"
    before = twin.client("ec2").describe_vpcs()["Vpcs"]
    assert deploy(twin, "broken", document) == "ROLLBACK_COMPLETE"
    assert twin.client("ec2").describe_vpcs()["Vpcs"] == before
    events = twin.client().get_paginator("describe_stack_events").paginate(StackName="broken")
    failed = [
        event
        for page in events
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert "192.168.0.0/24" in failed[-1]["ResourceStatusReason"]


def test_secrets_of_the_region_reach_a_resource(twin: Twin) -> None:
    secret = twin.client("secretsmanager").create_secret(
        Name="db", SecretString='{"password": "hunter2"}'
    )
    twin.client("ssm").put_parameter(Name="/size", Value="7", Type="String")
    arn = "{{resolve:secretsmanager:%s:SecretString:password}}" % secret["ARN"]  # noqa: UP031
    document = template(
        {"A": {"Secret": arn, "Name": "{{resolve:ssm:/size:1}}", "Size": {"Ref": "Size"}}},
        Parameters={"Size": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/size"}},
    )
    assert deploy(twin, "s", document) == "CREATE_COMPLETE"
    made = twin.world.by_name()["A"]
    assert (made["Secret"], made["Name"], made["Size"]) == ("hunter2", "7", "7")
    assert "hunter2" not in str(twin.client().describe_stack_events(StackName="s"))


def test_the_waiters_of_boto3_are_satisfied(twin: Twin) -> None:
    cloudformation = twin.client()
    wait = {"Delay": 1, "MaxAttempts": 10}
    body = json.dumps(template({"A": {"Size": 1}}))
    cloudformation.create_stack(StackName="s", TemplateBody=body)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig=wait)
    cloudformation.get_waiter("stack_exists").wait(StackName="s", WaiterConfig=wait)
    body = json.dumps(template({"A": {"Size": 2}}))
    cloudformation.update_stack(StackName="s", TemplateBody=body)
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig=wait)
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=wait)


def test_errors_have_the_codes_of_aws(twin: Twin) -> None:
    cloudformation = twin.client()
    with pytest.raises(ClientError, match="Stack with id s does not exist"):
        cloudformation.describe_stacks(StackName="s")
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(
            ChangeSetName="arn:aws:cloudformation:us-east-1:1:changeSet/c/0"
        )
    role = {"Resources": {"R": {"Type": "AWS::IAM::Role"}}}
    with pytest.raises(cloudformation.exceptions.InsufficientCapabilitiesException):
        deploy(twin, "s", role)
    deploy(twin, "s", template({"A": {}}))
    with pytest.raises(cloudformation.exceptions.AlreadyExistsException):
        cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template({"A": {}})))
    with pytest.raises(ClientError, match="does not support ListTypes"):
        cloudformation.list_types()


def test_a_busy_stack_takes_no_second_operation_and_the_others_go_on(twin: Twin) -> None:
    gate = threading.Event()

    def held(_verb: str, name: str) -> None:
        if name == "Slow":
            gate.wait(20)

    twin.world.fails = held
    cloudformation = twin.client()
    body = json.dumps(template({"Slow": {}}))
    cloudformation.create_stack(StackName="busy", TemplateBody=body)
    try:
        with pytest.raises(
            ClientError, match="is in CREATE_IN_PROGRESS state and can not be updated"
        ):
            cloudformation.update_stack(StackName="busy", TemplateBody=body)
        with pytest.raises(
            ClientError, match="cannot be deleted while in status CREATE_IN_PROGRESS"
        ):
            cloudformation.delete_stack(StackName="busy")
        assert deploy(twin, "other", template({"A": {}})) == "CREATE_COMPLETE"
        assert (
            cloudformation.describe_stacks(StackName="busy")["Stacks"][0]["StackStatus"]
            == "CREATE_IN_PROGRESS"
        )
    finally:
        gate.set()
    assert twin.settled("busy") == "CREATE_COMPLETE"


def test_a_large_template_comes_from_s3_and_in_pages(twin: Twin) -> None:
    document = template(
        {
            f"Thing{logical}": {"Type": THING, "Metadata": {"pad": "x" * 400}}
            for logical in range(150)
        }
    )
    body = json.dumps(document)
    cloudformation, s3 = twin.client(), twin.client("s3")
    with pytest.raises(ClientError, match="51200"):
        cloudformation.validate_template(TemplateBody=body)
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="t.json", Body=body.encode())
    cloudformation.create_stack(
        StackName="s", TemplateURL="https://templates.s3.amazonaws.com/t.json"
    )
    assert twin.settled("s") == "CREATE_COMPLETE"
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName="s")
    events = [event for page in pages for event in page["StackEvents"]]
    assert len(events) == len({event["EventId"] for event in events}) == 150 * 3 + 2
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName="s")
    assert sum(len(page["StackResourceSummaries"]) for page in pages) == 150
    made = cloudformation.create_change_set(
        StackName="s", ChangeSetName="c", TemplateBody=json.dumps(template({"A": {}}))
    )
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=made["Id"])
    changes = [change["ResourceChange"]["Action"] for page in pages for change in page["Changes"]]
    assert (changes.count("Add"), changes.count("Remove")) == (1, 150)
