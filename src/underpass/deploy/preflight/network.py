"""Whether an existing VPC can be the provider's: its addresses, DNS, subnets, zones and ways out."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

from underpass.blueprint.addresses import ANYWHERE
from underpass.config import Config
from underpass.deploy.preflight.vpcs import check_vpc, subnets
from underpass.errors import UsageError

_SECTION = "[network]"
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
_LONGEST_PREFIX, _FREE_ADDRESSES = 27, 8


def check(ec2: Any, config: Config) -> None:
    """Refuse a VPC in which the application would not come up.

    Raises
    ------
    UsageError
        With the first thing that is wrong with it.
    """
    network = config.network
    vpc_id = network.vpc_id or ""
    check_vpc(ec2, vpc_id, network.cidr, _SECTION)
    app = subnets(ec2, network.app_subnets, vpc_id, _SECTION)
    data = subnets(ec2, network.data_subnets, vpc_id, _SECTION)
    for subnet in (*app, *data):
        if not IPv4Network(subnet["CidrBlock"]).subnet_of(network.cidr):
            raise UsageError(
                f"subnet {subnet['SubnetId']} is outside {network.cidr}",
                f"it has {subnet['CidrBlock']}, and the balancers admit [network] cidr",
                "name other subnets, or the block of the VPC they are in",
            )
    _same_zones(app, data)
    _room_for_the_alb(app)
    _ways_out(ec2, config, app)


def _same_zones(app: Sequence[Any], data: Sequence[Any]) -> None:
    ours, theirs = ({subnet["AvailabilityZone"] for subnet in tier} for tier in (app, data))
    if ours != theirs:
        raise UsageError(
            "app_subnets and data_subnets are not in the same zones",
            f"those are in {', '.join(sorted(ours))}, these in {', '.join(sorted(theirs))}; "
            "a task mounts files in its own zone only",
            f"name data_subnets of the zones of app_subnets in {_SECTION}",
        )


def _room_for_the_alb(app: Sequence[Any]) -> None:
    for subnet in app:
        prefix = IPv4Network(subnet["CidrBlock"]).prefixlen
        free = subnet["AvailableIpAddressCount"]
        if prefix > _LONGEST_PREFIX or free < _FREE_ADDRESSES:
            raise UsageError(
                f"subnet {subnet['SubnetId']} is too small for a load balancer",
                f"it has {subnet['CidrBlock']} with {free} free addresses; "
                f"an ALB needs /{_LONGEST_PREFIX} or larger and {_FREE_ADDRESSES} free",
                f"name larger app_subnets in {_SECTION}",
            )


def _ways_out(ec2: Any, config: Config, app: Sequence[Any]) -> None:
    """Hold the VPC's routes against ``egress``: they are the user's, and underpass adds none."""
    network = config.network
    found = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [network.vpc_id]}])
    for subnet in app:
        name = subnet["SubnetId"]
        way = _default_route(found["RouteTables"], name)
        if network.egress == "nat" and (not way or way.startswith("igw-")):
            raise UsageError(
                f"tasks in subnet {name} would not reach AWS",
                f"its default route leads to {way}, and tasks have no public address"
                if way
                else "it has no default route",
                'route it to a NAT gateway, or write egress = "endpoints"',
            )
        if network.egress == "endpoints" and way:
            raise UsageError(
                f"subnet {name} has a way to the internet",
                f'its default route leads to {way}, and egress = "endpoints" says that there is none',
                'take the route away, or write egress = "nat"',
            )


def _default_route(tables: Sequence[Any], subnet_id: str) -> str:
    """Return what the default route of a subnet leads to; empty if there is none."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet_id for a in t["Associations"])]
    main = [t for t in tables if any(a.get("Main") for a in t["Associations"])]
    for route in (own or main)[0]["Routes"]:
        if route.get("DestinationCidrBlock") == ANYWHERE:
            keys = ("NatGatewayId", "TransitGatewayId", "GatewayId", "NetworkInterfaceId")
            ways = [route[key] for key in keys if route.get(key)]
            return ways[0] if ways else "somewhere"
    return ""
