"""Consumers in accounts of their own: who may connect is decided by who really asks, and packets follow."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.e2e.machine import Footprint, Project, application, client, eventually

from underpass.twin.region.aws import ACCOUNT_ID

THEIRS, STRANGERS = "222222222222", "333333333333"
SERVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"it")
ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""
ASK = """
import json, sys, urllib.request
try:
    with urllib.request.urlopen(f"http://{sys.argv[1]}/", timeout=5) as answer:
        print(json.dumps(answer.read().decode()))
except OSError:
    print("null")
"""


class Region:
    """The application, with a consumer in another account."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.summary = project.up()

    def own(self, service: str) -> Any:
        return client(self.summary, service)

    def of(self, account: str) -> boto3.Session:
        """Return the session that ``underpass env --account`` gives."""
        given = self.project.run("env", "--account", account, "--json").json["set"]
        return boto3.Session(
            given["AWS_ACCESS_KEY_ID"],
            given["AWS_SECRET_ACCESS_KEY"],
            given.get("AWS_SESSION_TOKEN"),  # the twin's own key has none
            region_name="us-east-1",
        )

    def client(self, session: boto3.Session, service: str) -> Any:
        return session.client(service, endpoint_url=self.summary["api_url"])

    def stacks(self, account: str) -> list[str]:
        found = self.client(self.of(account), "cloudformation").describe_stacks()["Stacks"]
        return [one["StackName"] for one in found]

    def blocks(self, account: str) -> set[str]:
        vpcs = self.client(self.of(account), "ec2").describe_vpcs()["Vpcs"]
        return {one["CidrBlock"] for one in vpcs if not one["IsDefault"]}

    def moves(self, account: str) -> None:
        file = self.project.folder / "underpass.toml"
        lines = [one for one in file.read_text().splitlines() if not one.startswith("account")]
        file.write_text("\n".join([*lines, f'account = "{account}"\n' if account else ""]))
        self.summary = self.project.up()

    def answer(self) -> str:
        url = self.summary["consumers"]["desk"]["url"]
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    before = Footprint.now()
    project = application(tmp_path_factory.mktemp("accounts"), SERVER)
    file = project.folder / "underpass.toml"
    file.write_text(f'{file.read_text()}account = "{THEIRS}"\n')
    yield Region(project)
    project.down()
    assert Footprint.now() == before


def test_its_vpc_endpoint_and_stack_are_in_its_account(region: Region) -> None:
    assert region.answer() == "it"
    assert region.stacks(THEIRS) == ["small-consumer-desk"]
    assert "small-consumer-desk" not in region.stacks(ACCOUNT_ID)
    assert region.blocks(THEIRS) == {"10.20.0.0/16"}
    (connection,) = region.own("ec2").describe_vpc_endpoint_connections()["VpcEndpointConnections"]
    assert connection["VpcEndpointOwner"] == THEIRS
    who = region.client(region.of(THEIRS), "sts").get_caller_identity()
    assert (who["Account"], who["Arn"].split("/")[1]) == (THEIRS, "OrganizationAccountAccessRole")
    hosts = region.project.at("consumer/desk", "getent", "hosts", "small.internal")
    assert hosts.status == 0


def test_a_permission_for_a_role_lets_that_role_connect_and_nobody_else(region: Region) -> None:
    session = region.of(STRANGERS)
    ec2, iam = region.client(session, "ec2"), region.client(session, "iam")
    (service,) = region.own("ec2").describe_vpc_endpoint_service_configurations()[
        "ServiceConfigurations"
    ]
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]  # the others' very block
    zone = service["AvailabilityZones"][0]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24", AvailabilityZone=zone)
    subnet_id = subnet["Subnet"]["SubnetId"]
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "SecurityGroups"
    ]
    image = region.own("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    place = [{"Key": "underpass:place", "Value": "consumer/stranger"}]
    ec2.run_instances(
        ImageId=image,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        TagSpecifications=[{"ResourceType": "instance", "Tags": place}],
    )
    asked = {
        "VpcEndpointType": "Interface",
        "VpcId": vpc,
        "ServiceName": service["ServiceName"],
        "SubnetIds": [subnet_id],
        "SecurityGroupIds": [group["GroupId"]],
    }
    with pytest.raises(ClientError, match="InvalidServiceName"):
        ec2.create_vpc_endpoint(**asked)
    trust = {"Effect": "Allow", "Principal": {"AWS": STRANGERS}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    for name in ("connects", "another"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(may))
    role = f"arn:aws:iam::{STRANGERS}:role"
    region.own("ec2").modify_vpc_endpoint_service_permissions(
        ServiceId=service["ServiceId"], AddAllowedPrincipals=[f"{role}/connects"]
    )
    sts = region.client(session, "sts")
    taken = {
        name: sts.assume_role(RoleArn=f"{role}/{name}", RoleSessionName="one")["Credentials"]
        for name in ("connects", "another")
    }
    theirs = {
        name: region.client(
            boto3.Session(
                key["AccessKeyId"],
                key["SecretAccessKey"],
                key["SessionToken"],
                region_name="us-east-1",
            ),
            "ec2",
        )
        for name, key in taken.items()
    }
    for refused in (ec2, theirs["another"]):
        with pytest.raises(ClientError, match="InvalidServiceName"):
            refused.create_vpc_endpoint(**asked)
    made = theirs["connects"].create_vpc_endpoint(**asked)["VpcEndpoint"]
    region.own("ec2").accept_vpc_endpoint_connections(
        ServiceId=service["ServiceId"], VpcEndpointIds=[made["VpcEndpointId"]]
    )
    name = made["DnsEntries"][0]["DnsName"]

    def reached() -> bool:
        done = region.project.at("consumer/stranger", "python3", "-c", ASK, name)
        return done.status == 0 and done.json == "it"

    eventually(reached, timeout_s=30)


def test_what_runs_there_is_refused_by_name(region: Region) -> None:
    session = region.of(STRANGERS)
    with pytest.raises(ClientError, match=f"in account {ACCOUNT_ID} only; {STRANGERS} asks"):
        region.client(session, "ecs").create_cluster(clusterName="c")
    assert region.client(session, "ecs").list_clusters()["clusterArns"] == []
    done = region.project.run("env", "--account", "12")
    assert done.status == 2
    assert "12 is no account" in done.err


def test_a_consumer_that_is_in_another_account_now_leaves_nothing_in_the_old(
    region: Region,
) -> None:
    region.moves("444444444444")
    assert region.answer() == "it"
    assert (region.stacks(THEIRS), region.blocks(THEIRS)) == ([], set())
    region.moves("")
    assert region.answer() == "it"
    assert region.stacks("444444444444") == []
    assert "small-consumer-desk" in region.stacks(ACCOUNT_ID)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
