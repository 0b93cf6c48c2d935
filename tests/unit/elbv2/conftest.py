"""moto with the twin's corrections, in this process: no socket is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.services.ec2 import patches as ec2
from underpass.twin.services.elbv2 import listeners, target_groups
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.health import HealthTable
from underpass.twin.services.privatelink import (
    endpoint_connections,
    endpoint_services,
    endpoints,
)

REGION = "us-east-1"
OWNER = f"arn:aws:iam::{ACCOUNT_ID}:root"


@dataclass(frozen=True)
class Apis:
    """EC2 and Elastic Load Balancing, with a VPC of three zones."""

    ec2: Any
    elb: Any
    health: HealthTable
    vpc: str
    subnets: tuple[str, ...]
    group: str

    def new_vpc(self) -> tuple[str, tuple[str, ...]]:
        """Make another VPC with the same addresses."""
        return make_vpc(self.ec2)

    def balancer(self, kind: str, name: str = "notes", **more: Any) -> dict[str, Any]:
        """Make a load balancer in two zones."""
        wanted = {"Subnets": list(self.subnets[:2]), "SecurityGroups": [self.group], **more}
        made = self.elb.create_load_balancer(Name=name, Type=kind, Scheme="internal", **wanted)
        one: dict[str, Any] = made["LoadBalancers"][0]
        return one

    def target_group(self, name: str, protocol: str, port: int = 80, **more: Any) -> str:
        """Make a target group of addresses."""
        wanted = {"TargetType": "ip", **more}
        made = self.elb.create_target_group(
            Name=name, Protocol=protocol, Port=port, VpcId=self.vpc, **wanted
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def listen(self, balancer: str, protocol: str, group: str, port: int = 80) -> str:
        """Make a listener."""
        made = self.elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol=protocol,
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def service(self, balancer: str, *principals: str, acceptance: bool = True) -> dict[str, Any]:
        """Make an endpoint service and allow principals."""
        made: dict[str, Any] = self.ec2.create_vpc_endpoint_service_configuration(
            NetworkLoadBalancerArns=[balancer], AcceptanceRequired=acceptance
        )["ServiceConfiguration"]
        if principals:
            self.ec2.modify_vpc_endpoint_service_permissions(
                ServiceId=made["ServiceId"], AddAllowedPrincipals=list(principals)
            )
        return made

    def endpoint(self, vpc: str, service: str, *subnets: str, **more: Any) -> dict[str, Any]:
        """Make an interface endpoint."""
        made: dict[str, Any] = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=vpc,
            ServiceName=service,
            SubnetIds=list(subnets),
            **more,
        )["VpcEndpoint"]
        return made


def make_vpc(client: Any) -> tuple[str, tuple[str, ...]]:
    """Make a VPC with a subnet in each of three zones."""
    vpc = str(client.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"])
    subnets = tuple(
        str(
            client.create_subnet(
                VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
            )["Subnet"]["SubnetId"]
        )
        for number, zone in enumerate("abc")
    )
    return vpc, subnets


@pytest.fixture(scope="package")
def clients() -> Iterator[tuple[Any, Any]]:
    """Return clients that reach moto; making them takes most of a second."""
    keys: dict[str, Any] = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    session = boto3.session.Session(region_name=REGION, **keys)
    with mock_aws():
        yield session.client("ec2"), session.client("elbv2")


@pytest.fixture
def apis(clients: tuple[Any, Any]) -> Apis:
    """Return the APIs without load balancers, services and endpoints."""
    health = HealthTable()
    patch.apply(ec2, elbv2, listeners, target_groups)
    patch.apply(endpoint_connections, endpoint_services, endpoints)
    target_groups.attach(health)
    for held in (
        ec2_backends[ACCOUNT_ID][REGION].vpc_end_points,
        ec2_backends[ACCOUNT_ID][REGION].configurations,
        elbv2_backends[ACCOUNT_ID][REGION].load_balancers,
        elbv2_backends[ACCOUNT_ID][REGION].target_groups,
    ):
        held.clear()  # moto's own reset makes a thousand images, and takes a second
    client, elb = clients
    vpc, subnets = make_vpc(client)
    made = client.create_security_group(GroupName="x", Description="x", VpcId=vpc)
    return Apis(client, elb, health, vpc, subnets, made["GroupId"])
