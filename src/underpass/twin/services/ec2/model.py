"""The network as the EC2 API describes it, in values: what the fabric is asked to make real."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ANYWHERE = "0.0.0.0/0"


class RouteTarget(StrEnum):
    """Where a route leads."""

    LOCAL = "local"
    INTERNET_GATEWAY = "internet-gateway"
    NAT_GATEWAY = "nat-gateway"
    GATEWAY_ENDPOINT = "gateway-endpoint"
    BLACKHOLE = "blackhole"


@dataclass(frozen=True)
class Rule:
    """One permission of a security group.

    ``protocol`` is "tcp", "udp", "icmp" or "-1" (all); ports are inclusive, and -1 means any.
    Peers are CIDR blocks and the ids of other security groups.
    """

    protocol: str
    from_port: int
    to_port: int
    cidrs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecurityGroup:
    """A security group: what may come in and go out of the interfaces that carry it."""

    id: str
    vpc_id: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Vpc:
    """A VPC."""

    id: str
    cidr: str
    dns_support: bool = True


@dataclass(frozen=True)
class Subnet:
    """A subnet and the route table it uses."""

    id: str
    vpc_id: str
    cidr: str
    zone: str
    route_table_id: str


@dataclass(frozen=True)
class Route:
    """A route: the most specific destination wins."""

    destination: str
    target: RouteTarget
    target_id: str = ""


@dataclass(frozen=True)
class RouteTable:
    """A route table."""

    id: str
    vpc_id: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Interface:
    """An elastic network interface: one address in one subnet. Its namespace is named by its id."""

    id: str
    vpc_id: str
    subnet_id: str
    zone: str
    address: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class NatGateway:
    """A NAT gateway: an interface in a public subnet, and its public address."""

    id: str
    interface_id: str
    public_address: str


@dataclass(frozen=True)
class InternetGateway:
    """An internet gateway and the VPC it is attached to."""

    id: str
    vpc_id: str


@dataclass(frozen=True)
class Network:
    """Everything the EC2 API says about the region's network at one moment."""

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    internet_gateways: tuple[InternetGateway, ...] = ()
    public_addresses: tuple[
        tuple[str, str], ...
    ] = ()  # (interface id, public address), for the gateway's 1:1 NAT
