"""What a VPC's router does, as values: pure, from the network the EC2 API describes.

The router is a namespace with a device to each of the VPC's interfaces. Addresses of the VPC come first,
and those nobody has are discarded; what is left is routed by the route table of the subnet it comes from.
That is AWS's rule of the most specific route, for route tables that do not cut up the VPC's own block.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from underpass.twin.linux.devices import GATEWAY, PolicyRule, Route
from underpass.twin.services.ec2.model import Interface, Network, RouteTable, RouteTarget, Vpc
from underpass.twin.services.ec2.model import Route as VpcRoute

RESOLVER = "169.254.169.253"  # AWS's resolver, in every VPC besides the VPC's base address + 2
INTERNET_NEXT = "169.254.0.2"  # the host on the internet, as a router's next hop
PUBLIC_ADDRESSES = "203.0.113.0/24"
LINK_LOCAL = "169.254.0.0/16"  # never routed
_ENDPOINT_ADDRESSES = IPv4Network("169.254.128.0/17")  # of routers, towards AWS's services
INTERNET_DEVICE = "igw"  # a router's device towards the internet

VPC_TABLE = 100  # the kernel's number of the table of a VPC's own addresses
_VPC_PRIORITY, _SUBNET_PRIORITY, _LAST_PRIORITY = 100, 1000, 32000


@dataclass(frozen=True)
class Router:
    """A VPC's router: its own addresses, routes and policy rules."""

    addresses: frozenset[str]
    routes: frozenset[Route]
    rules: frozenset[PolicyRule]


def router(network: Network, vpc: Vpc) -> Router:
    """Return the router of one VPC."""
    tables = {table.id: table for table in network.route_tables if table.vpc_id == vpc.id}
    rules = {PolicyRule(_VPC_PRIORITY, "", VPC_TABLE), PolicyRule(_LAST_PRIORITY, "", 0)}
    for subnet in network.subnets:
        if subnet.vpc_id == vpc.id and subnet.route_table_id in tables:
            rules.add(
                PolicyRule(_SUBNET_PRIORITY, subnet.cidr, table_number(subnet.route_table_id))
            )
    routes = {Route(vpc.cidr, table=VPC_TABLE), Route(LINK_LOCAL, table=VPC_TABLE)}
    for interface in network.interfaces:
        if interface.vpc_id == vpc.id:
            device = interface_device(interface.id)
            routes.add(Route(f"{interface.address}/32", device, table=VPC_TABLE))
    for table in tables.values():
        routes.update(_leading_out(network, vpc, table))
    own = {GATEWAY, *resolvers(vpc)} if vpc.dns_support else {GATEWAY}
    return Router(frozenset(own), frozenset(routes), frozenset(rules))


def _leading_out(network: Network, vpc: Vpc, table: RouteTable) -> Iterator[Route]:
    number = table_number(table.id)
    for route in table.routes:
        if route.target is RouteTarget.LOCAL:
            continue
        device, gateway = _next_hop(network, vpc, route)
        yield Route(route.destination, device, gateway, number)


def _next_hop(network: Network, vpc: Vpc, route: VpcRoute) -> tuple[str, str]:
    if route.target is RouteTarget.GATEWAY_ENDPOINT:
        return INTERNET_DEVICE, INTERNET_NEXT
    if route.target is RouteTarget.INTERNET_GATEWAY and has_internet_gateway(network, vpc.id):
        return INTERNET_DEVICE, INTERNET_NEXT
    if route.target is RouteTarget.NAT_GATEWAY:
        interfaces = {interface.id: interface for interface in network.interfaces}
        for gateway in network.nat_gateways:
            interface = interfaces.get(gateway.interface_id)
            if gateway.id == route.target_id and interface and interface.vpc_id == vpc.id:
                return interface_device(interface.id), interface.address
    return "", ""


def internet_routes(network: Network) -> frozenset[Route]:
    """Return the routes of the internet's host: back to public addresses, and to gateway endpoints."""
    routes = {Route(PUBLIC_ADDRESSES)}
    for vpc in network.vpcs:
        if gateway_endpoints(network, vpc.id):
            own = f"{endpoint_address(vpc.id)}/32"
            routes.add(Route(own, vpc_device(vpc.id), GATEWAY))
    for gateway in network.internet_gateways:
        for _, public in public_addresses(network, gateway.vpc_id):
            routes.add(Route(f"{public}/32", vpc_device(gateway.vpc_id), GATEWAY))
    return frozenset(routes)


def joins_internet(network: Network, vpc_id: str) -> bool:
    """Return whether anything leads out of the VPC: an internet gateway, or a gateway endpoint."""
    return has_internet_gateway(network, vpc_id) or bool(gateway_endpoints(network, vpc_id))


def gateway_endpoints(network: Network, vpc_id: str) -> dict[str, frozenset[str]]:
    """Return, by its address, the subnets' blocks that reach a service of AWS by a gateway endpoint."""
    found: dict[str, set[str]] = {}
    for table in network.route_tables:
        users = (
            {subnet.cidr for subnet in network.subnets if subnet.route_table_id == table.id}
            if table.vpc_id == vpc_id
            else set()
        )
        for route in table.routes:
            if users and route.target is RouteTarget.GATEWAY_ENDPOINT:
                found.setdefault(route.destination.partition("/")[0], set()).update(users)
    return {address: frozenset(blocks) for address, blocks in found.items()}


def endpoint_address(vpc_id: str) -> str:
    """Return the address under which a VPC's gateway endpoints speak: link-local, the same at any time."""
    number = zlib.crc32(vpc_id.encode()) % (_ENDPOINT_ADDRESSES.num_addresses - 2)
    return str(_ENDPOINT_ADDRESSES[number + 1])


def has_internet_gateway(network: Network, vpc_id: str) -> bool:
    """Return whether the VPC has an internet gateway attached."""
    return any(gateway.vpc_id == vpc_id for gateway in network.internet_gateways)


def public_addresses(network: Network, vpc_id: str) -> tuple[tuple[str, str], ...]:
    """Return (private address, public address) of each of the VPC's interfaces that has one."""
    interfaces = {i.id: i for i in network.interfaces if i.vpc_id == vpc_id}
    pairs = {(gateway.interface_id, gateway.public_address) for gateway in network.nat_gateways}
    pairs.update(network.public_addresses)
    return tuple(
        sorted(
            (interfaces[owner].address, public)
            for owner, public in pairs
            if public and owner in interfaces
        )
    )


def resolvers(vpc: Vpc) -> tuple[str, str]:
    """Return the addresses of the VPC's resolver: its base address + 2, and the link-local one."""
    return str(IPv4Network(vpc.cidr)[2]), RESOLVER


def interface_device(interface_id: str) -> str:
    """Return the name of a router's device to an interface; names hold 15 characters."""
    return "e" + interface_id.removeprefix("eni-")[-14:]


def vpc_device(vpc_id: str) -> str:
    """Return the name of the internet's device to a VPC's router."""
    return "v" + vpc_id.removeprefix("vpc-")[-14:]


def table_number(route_table_id: str) -> int:
    """Return the kernel's number for a route table: the same at any time, clear of the reserved ones."""
    return 1000 + zlib.crc32(route_table_id.encode()) % (1 << 30)


def same_wire(one: Interface, other: Interface) -> bool:
    """Return whether two descriptions of an interface need the same namespace and device."""
    return (one.vpc_id, one.address) == (other.vpc_id, other.address)
