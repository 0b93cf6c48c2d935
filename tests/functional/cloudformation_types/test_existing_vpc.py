"""An existing VPC as the twin stands in for it, and the foundation deployed into it, on plain moto."""

from __future__ import annotations

from typing import Any

import pytest
from tests.functional.cloudformation_types.account import Account
from tests.functional.cloudformation_types.conftest import Bench
from tests.unit.blueprint.configs import CURATED

from underpass.blueprint import stacks
from underpass.deploy import network
from underpass.deploy.preflight import network as preflight
from underpass.errors import UsageError
from underpass.twin.host import stand_in_vpcs


def routes(bench: Bench, subnet: str) -> list[Any]:
    filters = [{"Name": "association.subnet-id", "Values": [subnet]}]
    tables = bench.clients("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return [route for table in tables for route in table["Routes"]]


def test_it_is_made_once_with_a_subnet_in_each_zone(bench: Bench) -> None:
    config = CURATED["existing-vpc-nat"]
    made = stand_in_vpcs.ensure(bench.clients, config)
    assert stand_in_vpcs.ensure(bench.clients, config) == made
    ec2 = bench.clients("ec2")
    for tier in (made.app_subnets, made.data_subnets):
        found = ec2.describe_subnets(SubnetIds=[*tier])["Subnets"]
        assert {subnet["VpcId"] for subnet in found} == {made.vpc_id}
        assert len({subnet["AvailabilityZone"] for subnet in found}) == 3


def test_app_subnets_lead_out_as_egress_says(bench: Bench) -> None:
    with_nat = stand_in_vpcs.ensure(bench.clients, CURATED["existing-vpc-nat"])
    for subnet in with_nat.app_subnets:
        assert any(route.get("NatGatewayId") for route in routes(bench, subnet))
    for subnet in with_nat.data_subnets:
        assert routes(bench, subnet) == []  # the main table's, which has no way out


@pytest.mark.parametrize("egress", ["nat", "endpoints"])
def test_the_foundation_is_deployed_into_it(bench: Bench, egress: str) -> None:
    config = CURATED[f"existing-vpc-{egress}"]
    there = stand_in_vpcs.ensure(bench.clients, config)
    config = config.model_copy(update={"network": there})
    preflight.check(bench.clients("ec2"), config)
    found = {one: f"us-east-1{one[-1]}" for one in ("a", "b", "c")}
    foundation = stacks(config)[0]
    given = foundation.parameters
    looked_up = network.parameters(bench.clients("ec2"), foundation, config.region, found)
    outputs = Account(bench).create(foundation.name, foundation.body(), **given, **looked_up)
    assert {name: outputs[name] for name in given} == given
    assert outputs["VpcId"] == there.vpc_id
    targets = bench.clients("efs").describe_mount_targets(FileSystemId=outputs["FileSystemId"])
    subnets = {target["SubnetId"] for target in targets["MountTargets"]}
    assert subnets == set(there.data_subnets)


def test_another_block_is_refused(bench: Bench) -> None:
    config = CURATED["existing-vpc-nat"]
    stand_in_vpcs.ensure(bench.clients, config)
    from ipaddress import IPv4Network

    other = config.network.model_copy(update={"cidr": IPv4Network("10.9.0.0/16")})
    with pytest.raises(UsageError, match="is there already"):
        stand_in_vpcs.ensure(bench.clients, config.model_copy(update={"network": other}))
