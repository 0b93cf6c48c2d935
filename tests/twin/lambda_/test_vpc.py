"""Functions in a VPC: its routes, groups and names are theirs, and their interfaces come and go with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

CODE = """
import os, socket, time
def handler(event, context):
    if event.get("kind") == "exit":
        os._exit(3)
    if event.get("kind") == "sleep":
        time.sleep(3)
    if event.get("kind") == "resolve":
        return socket.gethostbyname(event["name"])
    if event.get("kind") == "s3":
        import boto3, botocore.config
        once = botocore.config.Config(connect_timeout=1.5, retries={"total_max_attempts": 1})
        return boto3.client("s3", config=once).list_buckets()["Buckets"]
    try:
        with socket.create_connection((event["address"], event["port"]), timeout=1.5) as found:
            return found.recv(100).decode()
    except OSError as error:
        return type(error).__name__
"""


def live(state: str) -> dict[str, Any]:
    from tests.twin.ec2 import sample
    from tests.twin.lambda_.vpc_region import VpcRegion

    here = VpcRegion(state)
    ec2, client = here.client("ec2"), here.client("lambda")
    made = here.make_vpc()
    mine, theirs = made["groups"]
    server, address = here.make_server(made["subnets"][1], theirs)
    sample.listen(server, 5432, "database")
    place = {"SubnetIds": [made["subnets"][0]], "SecurityGroupIds": [mine]}
    here.create(CODE, VpcConfig=place)
    here.create(CODE, "outside")
    seen: dict[str, Any] = {
        "state": client.get_function(FunctionName="f")["Configuration"]["State"]
    }
    target = {"address": address, "port": 5432}
    seen["closed"] = here.invoke(**target)
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    peer = {"UserIdGroupPairs": [{"GroupId": mine}]}
    ec2.authorize_security_group_ingress(GroupId=theirs, IpPermissions=[{**rule, **peer}])
    here.wait(lambda: "database" in here.invoke(**target), "the group lets nobody in")
    interface = here.interfaces()[0]
    own = interface["PrivateIpAddress"]
    seen["open"] = here.invoke(**target) == f"database {own}"
    seen["outside"] = here.invoke("outside", **target)
    seen["described"] = (interface["Description"][:20], interface["Status"], len(here.interfaces()))
    configuration = client.get_function_configuration(FunctionName="f")
    seen["vpc"] = configuration["VpcConfig"]["VpcId"] == made["vpc"]
    seen["state then"] = configuration["State"]

    seen["no way to S3"] = "connect" in str(here.invoke(kind="s3")).lower()
    here.make_endpoint(made["vpc"])
    seen["S3"] = here.wait(lambda: here.invoke(kind="s3") == [], "no way to S3")
    name = f"ip-{own.replace('.', '-')}.ec2.internal"
    seen["named"] = here.invoke(kind="resolve", name=name) == own

    seen["killed"] = here.invoke(kind="exit")["errorType"]
    seen["after"] = here.invoke(**target) == f"database {own}"

    # Another function of the same subnet and group shares the interface; another group has its own.
    here.create(CODE, "g", VpcConfig=place)
    here.invoke("g", **target)
    seen["shared"] = [one["NetworkInterfaceId"] for one in here.interfaces()] == [
        interface["NetworkInterfaceId"]
    ]
    client.delete_function(FunctionName="g")
    here.loops["functions"]._worker.fail("told to")
    other = ec2.create_security_group(GroupName="o", Description="o", VpcId=made["vpc"])["GroupId"]
    client.update_function_configuration(
        FunctionName="f", VpcConfig={**place, "SecurityGroupIds": [other]}
    )
    seen["moved"] = here.invoke(**target)
    here.wait(
        lambda: [[g["GroupId"] for g in one["Groups"]] for one in here.interfaces()] == [[other]],
        "the old interface stays",
    )
    gone = here.fabric.path(interface["NetworkInterfaceId"])
    here.wait(lambda: not Path(gone).exists(), "the old namespace stays")

    from botocore.exceptions import ClientError

    def refused(action: Any, **named: Any) -> str:
        try:
            action(**named)
        except ClientError as error:
            return str(error.response["Error"]["Message"])
        return ""

    seen["in use"] = [
        "AWS Lambda VPC ENI" in refused(ec2.delete_security_group, GroupId=other),
        "AWS Lambda VPC ENI" in refused(ec2.delete_subnet, SubnetId=made["subnets"][0]),
    ]
    poor = here.make_role("poor")

    def create(**more: Any) -> str:
        return refused(here.create, code=CODE, name="h", **more)

    seen["refused"] = [
        create(VpcConfig=place, Role=poor),
        create(VpcConfig={**place, "SubnetIds": []}),
        create(VpcConfig={**place, "SubnetIds": ["subnet-1"]}),
    ]
    client.update_function_configuration(
        FunctionName="f", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    here.wait(lambda: not here.interfaces(), "an interface stays")
    seen["left"] = client.get_function_configuration(FunctionName="f").get("VpcConfig")
    client.update_function_configuration(FunctionName="f", VpcConfig=place)
    here.wait(here.interfaces, "no interface")
    here.invoke(**target)
    event = json.dumps({"kind": "sleep", **target})
    client.invoke(FunctionName="f", InvocationType="Event", Payload=event)
    here.wait(lambda: here.functions._working, "nothing runs")
    client.delete_function(FunctionName="f")
    here.loops["functions"].wake()
    seen["while it runs"] = len(here.interfaces())
    here.wait(lambda: not here.functions._working, "it does not end")
    here.wait(lambda: not here.interfaces(), "an interface stays")
    ec2.delete_security_group(GroupId=other)
    ec2.delete_subnet(SubnetId=made["subnets"][0])
    here.wait(
        lambda: (
            sorted(one.name for one in Path("/run/netns").iterdir())
            == sorted([server, "internet", *(v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"])])
        ),
        "a namespace stays",
    )
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = run_inside(live, str(tmp_path_factory.mktemp("state")))
    return found


def test_it_is_pending_until_its_interface_is_there(seen: dict[str, Any]) -> None:
    assert seen["state"] in {"Pending", "Active"}
    assert seen["state then"] == "Active"


def test_it_reaches_what_the_groups_admit_it_to_and_nobody_outside_does(
    seen: dict[str, Any],
) -> None:
    assert seen["closed"] == "TimeoutError"
    assert seen["open"]
    assert seen["moved"] == "TimeoutError"
    assert seen["outside"] != seen["open"]
    assert "database" not in str(seen["outside"])


def test_aws_is_reached_through_the_vpc(seen: dict[str, Any]) -> None:
    assert seen["no way to S3"]
    assert seen["S3"]
    assert seen["named"]


def test_its_interface_is_lambdas_and_shared(seen: dict[str, Any]) -> None:
    assert seen["described"] == ["AWS Lambda VPC ENI-f", "in-use", 1]
    assert seen["vpc"]
    assert seen["shared"]
    assert seen["in use"] == [True, True]
    assert seen["left"] is None
    assert seen["while it runs"] == 1


def test_one_that_is_killed_is_followed_by_another_in_the_vpc(seen: dict[str, Any]) -> None:
    assert seen["killed"] == "Runtime.ExitError"
    assert seen["after"]


def test_it_is_refused_as_lambda_refuses_it(seen: dict[str, Any]) -> None:
    role, half, unknown = seen["refused"]
    assert role == (
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"
    )
    assert "coexist" in half
    assert "The subnet ID 'subnet-1' does not exist" in unknown
