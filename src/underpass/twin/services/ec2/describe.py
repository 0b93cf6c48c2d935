"""What the EC2 API says, read into a ``Network``: the only place that knows the shape of its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from underpass.twin.region import aws_hosts
from underpass.twin.services.ec2.model import (
    Interface,
    InternetGateway,
    NatGateway,
    Network,
    Route,
    RouteTable,
    RouteTarget,
    Rule,
    SecurityGroup,
    Subnet,
    Vpc,
)

Described = Mapping[str, Any]


def observe(*ec2: Any) -> Network:
    """Describe the whole network through boto3 EC2 clients, one of each account."""
    tables = _all(ec2, "describe_route_tables", "RouteTables")
    used_by, main = _associations(tables)
    groups = _all(ec2, "describe_security_groups", "SecurityGroups")
    lists = _prefix_lists(ec2, tables, groups)
    network = Network(
        vpcs=tuple(_vpc(one, vpc) for one in ec2 for vpc in _all((one,), "describe_vpcs", "Vpcs")),
        subnets=tuple(
            Subnet(
                id=subnet["SubnetId"],
                vpc_id=subnet["VpcId"],
                cidr=subnet["CidrBlock"],
                zone=subnet["AvailabilityZone"],
                route_table_id=used_by.get(subnet["SubnetId"], main.get(subnet["VpcId"], "")),
            )
            for subnet in _all(ec2, "describe_subnets", "Subnets")
        ),
        route_tables=tuple(
            RouteTable(table["RouteTableId"], table["VpcId"], _routes(table, lists))
            for table in tables
        ),
        groups=tuple(_group(group, lists) for group in groups),
        nat_gateways=tuple(_nat_gateways(_all(ec2, "describe_nat_gateways", "NatGateways"))),
        internet_gateways=tuple(
            InternetGateway(gateway["InternetGatewayId"], attachment["VpcId"])
            for gateway in _all(ec2, "describe_internet_gateways", "InternetGateways")
            for attachment in gateway.get("Attachments", ())
        ),
    )
    return observe_interfaces(ec2, network)


def observe_interfaces(ec2: Iterable[Any], network: Network) -> Network:
    """Describe the interfaces only, and return ``network`` with these: a third of the work."""
    interfaces = _all(ec2, "describe_network_interfaces", "NetworkInterfaces")
    return replace(
        network,
        interfaces=tuple(_interface(described) for described in interfaces),
        public_addresses=tuple(
            (described["NetworkInterfaceId"], described["Association"]["PublicIp"])
            for described in interfaces
            if described.get("Association", {}).get("PublicIp")
        ),
    )


def _all(ec2: Iterable[Any], action: str, key: str) -> list[Described]:
    pages = (page for one in ec2 for page in one.get_paginator(action).paginate())
    return [item for page in pages for item in page.get(key, ())]


def _vpc(ec2: Any, vpc: Described) -> Vpc:
    attribute = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsSupport")
    return Vpc(vpc["VpcId"], vpc["CidrBlock"], dns_support=attribute["EnableDnsSupport"]["Value"])


def _associations(tables: Iterable[Described]) -> tuple[dict[str, str], dict[str, str]]:
    """Return (route table by subnet, main route table by VPC)."""
    by_subnet: dict[str, str] = {}
    by_vpc: dict[str, str] = {}
    for table in tables:
        for association in table.get("Associations", ()):
            if association.get("Main"):
                by_vpc[table["VpcId"]] = table["RouteTableId"]
            elif "SubnetId" in association:
                by_subnet[association["SubnetId"]] = table["RouteTableId"]
    return by_subnet, by_vpc


def _prefix_lists(
    ec2: Iterable[Any], tables: Iterable[Described], groups: Iterable[Described]
) -> dict[str, str]:
    """Return (address by prefix list) of AWS's services; asked for only where one is named."""
    routes = (route for table in tables for route in table.get("Routes", ()))
    rules = (
        rule
        for group in groups
        for way in ("IpPermissions", "IpPermissionsEgress")
        for rule in group.get(way, ())
    )
    if not any(route.get("DestinationPrefixListId") for route in routes) and not any(
        rule.get("PrefixListIds") for rule in rules
    ):
        return {}
    return {
        described["PrefixListId"]: address
        for described in _all(ec2, "describe_managed_prefix_lists", "PrefixLists")
        if (address := aws_hosts.listed(described["PrefixListName"]))
    }


def _routes(table: Described, lists: Mapping[str, str]) -> tuple[Route, ...]:
    routes = table.get("Routes", ())
    return tuple(
        Route(route["DestinationCidrBlock"], *_target(route))
        for route in routes
        if route.get("DestinationCidrBlock")  # the rest lead to IPv6 and prefix lists
    ) + tuple(
        Route(f"{address}/32", RouteTarget.GATEWAY_ENDPOINT, route.get("GatewayId", ""))
        for route in routes
        if (address := lists.get(route.get("DestinationPrefixListId", "")))
    )


def _target(route: Described) -> tuple[RouteTarget, str]:
    gateway = route.get("GatewayId", "")
    if gateway == "local":
        return RouteTarget.LOCAL, ""
    if gateway.startswith("igw-"):
        return RouteTarget.INTERNET_GATEWAY, gateway
    if route.get("NatGatewayId"):
        return RouteTarget.NAT_GATEWAY, route["NatGatewayId"]
    return RouteTarget.BLACKHOLE, ""


def _group(group: Described, lists: Mapping[str, str]) -> SecurityGroup:
    return SecurityGroup(
        id=group["GroupId"],
        vpc_id=group.get("VpcId", ""),
        ingress=tuple(_rule(permission, lists) for permission in group.get("IpPermissions", ())),
        egress=tuple(
            _rule(permission, lists) for permission in group.get("IpPermissionsEgress", ())
        ),
    )


def _rule(permission: Described, lists: Mapping[str, str]) -> Rule:
    named = (peer["PrefixListId"] for peer in permission.get("PrefixListIds", ()))
    return Rule(
        protocol=permission["IpProtocol"],
        from_port=permission.get("FromPort", -1),
        to_port=permission.get("ToPort", -1),
        cidrs=tuple(peer["CidrIp"] for peer in permission.get("IpRanges", ()))
        + tuple(f"{lists[one]}/32" for one in named if one in lists),
        groups=tuple(peer["GroupId"] for peer in permission.get("UserIdGroupPairs", ())),
    )


def _interface(described: Described) -> Interface:
    return Interface(
        id=described["NetworkInterfaceId"],
        vpc_id=described["VpcId"],
        subnet_id=described["SubnetId"],
        zone=described["AvailabilityZone"],
        address=described["PrivateIpAddress"],
        groups=tuple(sorted(group["GroupId"] for group in described.get("Groups", ()))),
    )


def _nat_gateways(gateways: Iterable[Described]) -> Iterable[NatGateway]:
    for gateway in gateways:
        if gateway["State"] in {"available", "pending"}:
            for address in gateway.get("NatGatewayAddresses", ()):
                yield NatGateway(
                    gateway["NatGatewayId"],
                    address["NetworkInterfaceId"],
                    address.get("PublicIp", ""),
                )
