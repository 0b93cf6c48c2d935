"""A router sends each packet where AWS's route tables would."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.ec2.evaluator import Packet, evaluate

from underpass.twin.linux import nftables
from underpass.twin.linux.devices import Route as KernelRoute
from underpass.twin.services.ec2.gateways import router_table
from underpass.twin.services.ec2.model import (
    Interface,
    InternetGateway,
    NatGateway,
    Network,
    Route,
    RouteTable,
    RouteTarget,
    Subnet,
    Vpc,
)
from underpass.twin.services.ec2.routing import (
    INTERNET_DEVICE,
    Router,
    endpoint_address,
    interface_device,
    internet_routes,
    joins_internet,
    router,
)

VPC = Vpc("vpc-1", "10.0.0.0/16")
NAT = Interface("eni-nat", "vpc-1", "subnet-0", "z1", "10.0.0.9")
HOSTS = (
    NAT,
    Interface("eni-a", "vpc-1", "subnet-1", "z1", "10.0.1.5"),
    Interface("eni-b", "vpc-1", "subnet-2", "z2", "10.0.2.5"),
    Interface("eni-c", "vpc-2", "subnet-9", "z2", "10.0.2.6"),
)
GATEWAYS = {
    "igw": (RouteTarget.INTERNET_GATEWAY, "igw-1"),
    "nat": (RouteTarget.NAT_GATEWAY, "nat-1"),
    "lost": (RouteTarget.NAT_GATEWAY, "nat-gone"),
    "hole": (RouteTarget.BLACKHOLE, ""),
    "endpoint": (RouteTarget.GATEWAY_ENDPOINT, "vpce-1"),
}
S3 = "198.51.100.11"
destinations = st.sampled_from(["0.0.0.0/0", "198.51.0.0/16", "198.51.100.0/24", "192.0.2.0/24"])
tables = st.lists(
    st.dictionaries(destinations, st.sampled_from(tuple(GATEWAYS)), min_size=1),
    min_size=3,
    max_size=3,
)
sources = st.sampled_from(["10.0.0.9", "10.0.1.5", "10.0.2.5", "10.9.9.9"])
targets = st.sampled_from(
    ["10.0.1.5", "10.0.2.5", "10.0.2.6", "10.0.7.7", "198.51.100.10", "198.51.7.7", "192.0.2.1"]
)


def network(routes: list[dict[str, str]], *, attached: bool = True) -> Network:
    local = Route(VPC.cidr, RouteTarget.LOCAL)
    return Network(
        vpcs=(VPC, Vpc("vpc-2", "10.0.0.0/16")),
        subnets=tuple(
            Subnet(f"subnet-{n}", VPC.id, f"10.0.{n}.0/24", "z1", f"rtb-{n}") for n in range(3)
        ),
        route_tables=tuple(
            RouteTable(
                f"rtb-{n}",
                VPC.id,
                (local, *(Route(to, *GATEWAYS[by]) for to, by in routes[n].items())),
            )
            for n in range(3)
        ),
        interfaces=HOSTS,
        nat_gateways=(NatGateway("nat-1", NAT.id, "203.0.113.10"),),
        internet_gateways=(InternetGateway("igw-1", VPC.id),) if attached else (),
    )


def sent(made: Router, source: str, target: str) -> str:
    """Return the device the kernel would choose; empty when it discards."""
    for rule in sorted(made.rules, key=lambda rule: rule.priority):
        if rule.source and IPv4Address(source) not in IPv4Network(rule.source):
            continue
        fitting: list[KernelRoute] = [
            route
            for route in made.routes
            if route.table == rule.table and IPv4Address(target) in IPv4Network(route.destination)
        ]
        if fitting or not rule.table:
            best = max(fitting, key=lambda r: IPv4Network(r.destination).prefixlen, default=None)
            return best.device if best else ""
    raise AssertionError("the kernel's own tables were asked")


def wanted(routes: list[dict[str, str]], source: str, target: str, *, attached: bool) -> str:
    """Return the device AWS's rules lead to."""
    if IPv4Address(target) in IPv4Network(VPC.cidr):
        owner = [i for i in HOSTS if i.vpc_id == VPC.id and i.address == target]
        return interface_device(owner[0].id) if owner else ""
    subnet = int(source.split(".")[2])
    table = routes[subnet] if subnet < 3 else {}
    fitting = [to for to in table if IPv4Address(target) in IPv4Network(to)]
    if not fitting:
        return ""
    by = table[max(fitting, key=lambda to: IPv4Network(to).prefixlen)]
    ways = {"igw": "igw" if attached else "", "nat": interface_device(NAT.id), "endpoint": "igw"}
    return ways.get(by, "")


@settings(max_examples=400)
@given(tables, sources, targets, st.booleans())
def test_the_vpcs_addresses_come_first_then_the_subnets_most_specific_route(
    routes: list[dict[str, str]], source: str, target: str, attached: bool
) -> None:
    made = router(network(routes, attached=attached), VPC)
    assert sent(made, source, target) == wanted(routes, source, target, attached=attached)


def test_the_internet_knows_public_addresses_of_attached_vpcs_only() -> None:
    with_gateway = internet_routes(network([{}, {}, {}]))
    assert {(route.destination, route.device) for route in with_gateway} == {
        ("203.0.113.0/24", ""),
        ("203.0.113.10/32", "v1"),
    }
    without = internet_routes(network([{}, {}, {}], attached=False))
    assert {route.destination for route in without} == {"203.0.113.0/24"}


def test_a_gateway_endpoint_serves_its_service_to_the_subnets_that_have_its_route() -> None:
    found = network([{}, {f"{S3}/32": "endpoint"}, {}], attached=False)
    table = router_table(found, VPC)

    def passes(source: str, target: str, way: str = "out") -> bool:
        fields = {
            nftables.Field.SADDR: int(IPv4Address(source)),
            nftables.Field.DADDR: int(IPv4Address(target)),
            nftables.Field.CT_STATE: nftables.NEW,
        }
        near, far = interface_device("eni-a"), INTERNET_DEVICE
        packet = Packet(fields, near, far) if way == "out" else Packet(fields, far, near)
        return evaluate(table, "forward", packet) == "accept"

    assert passes("10.0.1.5", S3)
    assert not passes("10.0.2.5", S3)  # another subnet
    assert not passes("10.0.1.5", "198.51.100.10")  # another service
    assert not passes(S3, "10.0.1.5", "in")  # nobody comes in by it
    assert joins_internet(found, VPC.id)
    assert not joins_internet(found, "vpc-2")
    back = {(route.destination, route.device) for route in internet_routes(found)}
    assert (f"{endpoint_address(VPC.id)}/32", "v1") in back
