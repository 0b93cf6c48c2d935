"""The text the template ships, run as Lambda runs it, against the APIs as moto has them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.models import ec2_backends

from underpass.blueprint.path.registrar import source

REGION = "us-east-1"
ACCOUNT = "123456789012"


class Account:
    """An account with a VPC, an ALB that listens on port 80, and a target group, as a test uses it."""

    def __init__(self) -> None:
        self.ec2, self.elbv2 = boto3.client("ec2", REGION), boto3.client("elbv2", REGION)
        self.vpc_id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=f"10.0.{n}.0/24")["Subnet"][
                "SubnetId"
            ]
            for n in range(2)
        ]
        made = self.elbv2.create_load_balancer(
            Name="notes", Subnets=self.subnets, Scheme="internal"
        )["LoadBalancers"][0]
        self.alb_arn, self.dns_name = made["LoadBalancerArn"], made["DNSName"]
        self.group_arn = self.elbv2.create_target_group(
            Name="notes", Protocol="TCP", Port=80, VpcId=self.vpc_id, TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elbv2.create_listener(
            LoadBalancerArn=self.alb_arn,
            Port=80,
            Protocol="HTTP",
            DefaultActions=[
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
            ],
        )
        self.description = f"ELB {self.alb_arn.split(':loadbalancer/')[1]}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LOAD_BALANCER_ARN": self.alb_arn,
            "VPC_ID": self.vpc_id,
            "TARGET_GROUPS": f"{self.group_arn}=80",
        }

    def interface(self, zone: int, description: str = "", *, elbs: bool = True) -> dict[str, Any]:
        """Make an interface, a node's unless said otherwise."""
        made: dict[str, Any] = self.ec2.create_network_interface(
            SubnetId=self.subnets[zone], Description=description or self.description
        )["NetworkInterface"]
        if elbs:
            ec2_backends[ACCOUNT][REGION].enis[
                made["NetworkInterfaceId"]
            ].requester_id = "amazon-elb"
        return made

    def delete(self, interface: dict[str, Any]) -> None:
        self.ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])

    def targets(self) -> set[str]:
        described = self.elbv2.describe_target_health(TargetGroupArn=self.group_arn)
        return {item["Target"]["Id"] for item in described["TargetHealthDescriptions"]}


@pytest.fixture
def registrar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function's code, imported from the text the template carries."""
    for name, value in (
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    path = tmp_path / "index.py"
    path.write_text(source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("index", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "index", module)
    with mock_aws():
        spec.loader.exec_module(module)
        yield module


def a_minute_later(registrar: ModuleType) -> None:
    """Have what the environment remembers be a minute older: no DNS is asked here."""
    missed = registrar.MEMORY.unlisted
    registrar.MEMORY.unlisted = {one: since - 60 for one, since in missed.items()}


@pytest.fixture
def account(registrar: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account, and the function's environment set for it."""
    made = Account()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made
