"""The shipped text, run as Lambda runs it, against the APIs as moto has them."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from underpass.blueprint.service.registrar import source

REGION = "us-east-1"


@pytest.fixture
def registrar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The function's code, imported from the text the template carries."""
    path = tmp_path / "index.py"
    path.write_text(source(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("index", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "index", module)
    spec.loader.exec_module(module)
    for name, value in (
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield module


def test_the_handler_follows_the_interfaces(
    registrar: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ec2, elbv2 = boto3.client("ec2", REGION), boto3.client("elbv2", REGION)
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{n}.0/24")["Subnet"]["SubnetId"]
        for n in range(2)
    ]
    alb = elbv2.create_load_balancer(Name="notes", Subnets=subnets, Scheme="internal")
    alb_arn = alb["LoadBalancers"][0]["LoadBalancerArn"]
    group_arn = elbv2.create_target_group(
        Name="notes", Protocol="TCP", Port=80, VpcId=vpc_id, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    monkeypatch.setenv("LOAD_BALANCER_ARN", alb_arn)
    monkeypatch.setenv("VPC_ID", vpc_id)
    monkeypatch.setenv("TARGET_GROUPS", f"{group_arn}=80")

    def interface(subnet_id: str, description: str) -> dict[str, Any]:
        created: dict[str, Any] = ec2.create_network_interface(
            SubnetId=subnet_id, Description=description
        )["NetworkInterface"]
        return created

    def targets() -> set[str]:
        described = elbv2.describe_target_health(TargetGroupArn=group_arn)
        return {item["Target"]["Id"] for item in described["TargetHealthDescriptions"]}

    ours = f"ELB {alb_arn.split(':loadbalancer/')[1]}"
    first, second = (interface(subnet_id, ours) for subnet_id in subnets)
    interface(subnets[0], ours.replace("/notes/", "/others/"))

    registrar.handler({}, None)
    assert targets() == {first["PrivateIpAddress"], second["PrivateIpAddress"]}

    ec2.delete_network_interface(NetworkInterfaceId=first["NetworkInterfaceId"])
    registrar.handler({}, None)
    assert targets() == {second["PrivateIpAddress"]}

    monkeypatch.setenv("TARGET_GROUPS", f"{group_arn}0=80")
    with pytest.raises(registrar.RunFailedError, match=f"{group_arn}0"):
        registrar.handler({}, None)
    lines = capsys.readouterr().out.splitlines()
    assert [len(json.loads(line)["errors"]) for line in lines] == [0, 0, 1]
