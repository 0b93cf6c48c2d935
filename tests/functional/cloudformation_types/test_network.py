"""VPCs and what is in them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.functional.cloudformation_types.conftest import Bench

from underpass.twin.services.cloudformation.resource_type import ProvisionError

HTTP = {"IpProtocol": "tcp", "FromPort": "80", "ToPort": 80, "CidrIp": "10.0.0.0/8"}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}


def rules(bench: Bench, group_id: str, direction: str = "IpPermissions") -> list[tuple[Any, ...]]:
    group = bench.clients("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]
    return sorted(
        (rule["IpProtocol"], rule.get("FromPort"), *(one["CidrIp"] for one in rule["IpRanges"]))
        for rule in group[direction]
    )


def test_dns_attributes_are_set_and_set_back(bench: Bench) -> None:
    old = {"CidrBlock": "10.0.0.0/16", "EnableDnsHostnames": "true"}
    vpc = bench.create("EC2::VPC", **old)

    def hostnames() -> bool:
        found = bench.clients("ec2").describe_vpc_attribute(
            VpcId=vpc.id, Attribute="enableDnsHostnames"
        )
        return bool(found["EnableDnsHostnames"]["Value"])

    assert hostnames()
    bench.update("EC2::VPC", vpc, old, {"CidrBlock": "10.0.0.0/16"})
    assert not hostnames()


def test_a_changed_group_leaves_rules_of_others_alone(bench: Bench) -> None:
    vpc = bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
    old = {"GroupDescription": "d", "VpcId": vpc, "SecurityGroupIngress": [HTTP]}
    group = bench.create("EC2::SecurityGroup", **old)
    foreign = {"GroupId": group.id, "IpProtocol": "udp", "FromPort": 53, "ToPort": 53}
    bench.create("EC2::SecurityGroupIngress", **foreign, CidrIp="10.1.0.0/16")
    bench.update("EC2::SecurityGroup", group, old, {**old, "SecurityGroupIngress": [HTTPS]})
    assert rules(bench, group.id) == [("tcp", 443, "10.0.0.0/8"), ("udp", 53, "10.1.0.0/16")]


def test_egress_rules_replace_the_one_that_allows_everything_and_give_it_back(bench: Bench) -> None:
    vpc = bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
    old = {"GroupDescription": "d", "VpcId": vpc, "SecurityGroupEgress": [HTTP]}
    group = bench.create("EC2::SecurityGroup", **old)
    assert rules(bench, group.id, "IpPermissionsEgress") == [("tcp", 80, "10.0.0.0/8")]
    bench.update("EC2::SecurityGroup", group, old, {"GroupDescription": "d", "VpcId": vpc})
    assert rules(bench, group.id, "IpPermissionsEgress") == [("-1", None, "0.0.0.0/0")]


def test_a_group_whose_rules_are_refused_does_not_stay(bench: Bench) -> None:
    vpc = bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id
    wrong = {**HTTP, "CidrIp": "10.0.0.0/99"}
    with pytest.raises(ProvisionError, match=r"CidrIp|CIDR"):
        bench.create(
            "EC2::SecurityGroup", GroupDescription="d", VpcId=vpc, SecurityGroupIngress=[wrong]
        )
    groups = bench.clients("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}]
    )
    assert [group["GroupName"] for group in groups["SecurityGroups"]] == ["default"]


def test_a_group_in_use_is_deleted_once_its_interface_is_gone(bench: Bench) -> None:
    vpc, subnets = bench.subnets()
    group = bench.create("EC2::SecurityGroup", GroupDescription="d", VpcId=vpc)
    ec2 = bench.clients("ec2")
    made = ec2.create_network_interface(SubnetId=subnets[0], Groups=[group.id])
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    refused: list[str] = []

    def release() -> bool:
        refused.append("asked")
        if len(refused) < 3:
            return False
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        return True

    bench.meanwhile("nothing", release)
    bench.delete("EC2::SecurityGroup", group, GroupDescription="d", VpcId=vpc)
    assert len(refused) >= 3


def test_a_subnet_takes_another_route_table_before_the_old_association_goes(bench: Bench) -> None:
    vpc, subnets = bench.subnets()
    tables = [bench.create("EC2::RouteTable", VpcId=vpc).id for _ in range(2)]
    first, second = (
        bench.create("EC2::SubnetRouteTableAssociation", SubnetId=subnets[0], RouteTableId=table)
        for table in tables
    )
    bench.delete(
        "EC2::SubnetRouteTableAssociation", first, SubnetId=subnets[0], RouteTableId=tables[0]
    )
    found = bench.clients("ec2").describe_route_tables(RouteTableIds=tables)["RouteTables"]
    held = {
        (table["RouteTableId"], link["RouteTableAssociationId"])
        for table in found
        for link in table["Associations"]
    }
    assert held == {(tables[1], second.id)}


def test_a_nat_gateway_is_waited_for_and_its_address_freed(bench: Bench) -> None:
    _, subnets = bench.subnets()
    address = bench.create("EC2::EIP", Domain="vpc")
    properties = {"SubnetId": subnets[0], "AllocationId": address.attributes["AllocationId"]}
    gateway = bench.create("EC2::NatGateway", **properties)
    assert gateway.attributes["EniId"].startswith("eni-")
    bench.delete("EC2::NatGateway", gateway, **properties)
    bench.delete("EC2::EIP", address, Domain="vpc")
    assert bench.clients("ec2").describe_addresses()["Addresses"] == []


def endpoint(bench: Bench, state: str) -> Any:
    """Create an endpoint that becomes ``state`` a moment later."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends["123456789012"]["us-east-1"]
    vpc, subnets = bench.subnets()

    def settle() -> bool:
        for one in backend.vpc_end_points.values():
            one.state = state if one.state != "deleted" else one.state
        return False

    bench.meanwhile("ec2", settle)
    return bench.create(
        "EC2::VPCEndpoint",
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.ecs",
        VpcEndpointType="Interface",
        SubnetIds=subnets,
    )


def test_an_endpoint_that_waits_for_acceptance_is_made(bench: Bench) -> None:
    assert endpoint(bench, "pendingAcceptance").id.startswith("vpce-")


def test_a_rejected_endpoint_fails_with_its_state(bench: Bench) -> None:
    with pytest.raises(ProvisionError, match="became rejected instead of available"):
        endpoint(bench, "rejected")


def test_what_the_twin_cannot_give_is_refused(bench: Bench) -> None:
    with pytest.raises(ProvisionError, match="IpAddressType dualstack is not available"):
        bench.create("EC2::VPCEndpoint", VpcId="vpc-1", IpAddressType="dualstack")


def test_a_private_zone_moves_between_vpcs_and_keeps_its_records(bench: Bench) -> None:
    one, two = (bench.create("EC2::VPC", CidrBlock="10.0.0.0/16").id for _ in range(2))

    def zone_in(*vpcs: str) -> dict[str, Any]:
        return {
            "Name": "notes.internal",
            "VPCs": [{"VPCId": vpc, "VPCRegion": "us-east-1"} for vpc in vpcs],
        }

    zone = bench.create("Route53::HostedZone", **zone_in(one))
    record = {"HostedZoneId": zone.id, "Name": "a.notes.internal", "Type": "A", "TTL": "60"}
    bench.create("Route53::RecordSet", **record, ResourceRecords=["10.0.0.1"])
    bench.update("Route53::HostedZone", zone, zone_in(one), zone_in(two))
    route53 = bench.clients("route53")
    assert [vpc["VPCId"] for vpc in route53.get_hosted_zone(Id=zone.id)["VPCs"]] == [two]
    with pytest.raises(ProvisionError, match="HostedZoneNotEmpty"):
        bench.delete("Route53::HostedZone", zone, **zone_in(two))


def test_a_record_that_exists_is_not_taken_over(bench: Bench) -> None:
    zone = bench.create("Route53::HostedZone", Name="notes.example")
    record = {"HostedZoneId": zone.id, "Name": "a.notes.example", "Type": "A", "TTL": "60"}
    bench.create("Route53::RecordSet", **record, ResourceRecords=["10.0.0.1"])
    with pytest.raises(ProvisionError, match="already exists"):
        bench.create("Route53::RecordSet", **record, ResourceRecords=["10.0.0.1"])
