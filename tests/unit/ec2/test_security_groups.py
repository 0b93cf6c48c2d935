"""A firewall lets through exactly what security groups allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.ec2.evaluator import Packet, evaluate

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.model import (
    Interface,
    NatGateway,
    Network,
    Rule,
    SecurityGroup,
    Vpc,
)
from underpass.twin.services.ec2.security_groups import firewalls

VPC = Vpc("vpc-1", "10.0.0.0/24")
GROUPS = ("sg-1", "sg-2")
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "50": 50, "-1": 0}

hosts = st.integers(4, 9)
addresses = hosts.map(lambda host: f"10.0.0.{host}") | st.just("198.51.100.10")
cidrs = st.sampled_from(["0.0.0.0/0", "10.0.0.0/29", "10.0.0.8/31", "198.51.100.0/24"])
few_ports = st.integers(0, 5)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    protocol = draw(st.sampled_from(tuple(NUMBERS)))
    low, high = sorted((draw(few_ports), draw(few_ports)))
    if protocol == "icmp":
        low, high = draw(st.sampled_from([(-1, -1), (8, -1), (8, 0), (3, 4)]))
    elif draw(st.booleans()):
        low, high = draw(st.sampled_from([(-1, -1), (0, 65535)]))
    groups = draw(st.sets(st.sampled_from(GROUPS), max_size=1))
    return Rule(protocol, low, high, tuple(draw(st.sets(cidrs, max_size=1))), tuple(groups))


some_rules = st.lists(rules(), max_size=2).map(tuple)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    groups = [SecurityGroup(name, VPC.id, draw(some_rules), draw(some_rules)) for name in GROUPS]
    some_hosts = draw(st.lists(hosts, min_size=2, max_size=4, unique=True))
    interfaces = [
        Interface(
            f"eni-{host}",
            VPC.id,
            "subnet-1",
            "z1",
            f"10.0.0.{host}",
            tuple(draw(st.sets(st.sampled_from(GROUPS), min_size=1, max_size=2))),
        )
        for host in some_hosts
    ]
    return Network(vpcs=(VPC,), groups=tuple(groups), interfaces=tuple(interfaces))


@dataclass(frozen=True)
class Flow:
    """The first packet of a flow between an interface and a peer."""

    peer: str
    protocol: int
    port: int  # of the destination; for ICMP, the type
    code: int


flows = st.builds(
    Flow,
    peer=addresses,
    protocol=st.sampled_from([6, 17, 1, 50]),
    port=st.sampled_from([0, 2, 3, 5, 8, 65535]),
    code=st.sampled_from([0, 4]),
)


def packet(flow: Flow, own: str, *, inward: bool, state: int = nftables.NEW) -> Packet:
    source, destination = (flow.peer, own) if inward else (own, flow.peer)
    fields = {
        nftables.Field.SADDR: int(IPv4Address(source)),
        nftables.Field.DADDR: int(IPv4Address(destination)),
        nftables.Field.L4PROTO: flow.protocol,
        nftables.Field.CT_STATE: state,
    }
    if flow.protocol == nftables.ICMP:
        fields |= {nftables.Field.ICMP_TYPE: flow.port, nftables.Field.ICMP_CODE: flow.code}
    else:
        fields[nftables.Field.DPORT] = flow.port
    return Packet(fields, iifname="eth0" if inward else "", oifname="" if inward else "eth0")


def allowed(rule: Rule, flow: Flow, network: Network) -> bool:
    """Return what AWS's documentation says of one rule and one flow."""
    peer = IPv4Address(flow.peer)
    named = any(peer in IPv4Network(cidr) for cidr in rule.cidrs) or any(
        group in rule.groups and interface.address == flow.peer
        for interface in network.interfaces
        for group in interface.groups
    )
    if not named or rule.protocol == "-1":
        return named
    if NUMBERS[rule.protocol] != flow.protocol:
        return False
    if rule.protocol == "icmp":
        return rule.from_port in {-1, flow.port} and rule.to_port in {-1, flow.code}
    if rule.protocol == "50" or rule.from_port == -1:
        return True
    return rule.from_port <= flow.port <= rule.to_port


def rules_of(network: Network, interface: Interface, *, inward: bool) -> Sequence[Rule]:
    carried = [group for group in network.groups if group.id in interface.groups]
    return [rule for group in carried for rule in (group.ingress if inward else group.egress)]


@settings(max_examples=150)
@given(networks(), flows, st.booleans())
def test_a_new_flow_passes_exactly_when_a_rule_of_a_carried_group_allows_it(
    network: Network, flow: Flow, inward: bool
) -> None:
    interface = network.interfaces[0]
    hook = "prerouting" if inward else "postrouting"
    said = evaluate(
        firewalls(network)[interface.id], hook, packet(flow, interface.address, inward=inward)
    )
    rules = rules_of(network, interface, inward=inward)
    wanted = any(allowed(rule, flow, network) for rule in rules)
    assert (said == "accept") == wanted


@settings(max_examples=30)
@given(networks(), flows, st.booleans(), st.sampled_from([nftables.ESTABLISHED, nftables.RELATED]))
def test_what_belongs_to_a_known_flow_passes(
    network: Network, flow: Flow, inward: bool, state: int
) -> None:
    table = firewalls(network)[network.interfaces[0].id]
    known = packet(flow, network.interfaces[0].address, inward=inward, state=state)
    assert evaluate(table, "prerouting" if inward else "postrouting", known) == "accept"


def test_the_resolver_is_outside_what_groups_govern() -> None:
    interface = Interface("eni-1", VPC.id, "subnet-1", "z1", "10.0.0.9", ("sg-1",))
    network = Network(vpcs=(VPC,), groups=(SecurityGroup("sg-1", VPC.id),), interfaces=(interface,))
    table = firewalls(network)[interface.id]
    said = {
        (peer, port): evaluate(
            table,
            "postrouting",
            packet(Flow(peer, nftables.UDP, port, 0), "10.0.0.9", inward=False),
        )
        for peer in ("10.0.0.2", "169.254.169.253", "10.0.0.3")
        for port in (53, 54)
    }
    assert [key for key, value in said.items() if value == "accept"] == [
        ("10.0.0.2", 53),
        ("169.254.169.253", 53),
    ]


def test_what_does_not_use_the_interface_is_not_its_firewalls_business() -> None:
    interface = Interface("eni-1", VPC.id, "subnet-1", "z1", "10.0.0.9", ("sg-1",))
    network = Network(vpcs=(VPC,), groups=(SecurityGroup("sg-1", VPC.id),), interfaces=(interface,))
    flow = packet(Flow("10.0.0.8", nftables.TCP, 80, 0), "10.0.0.9", inward=True)
    linked = Packet(flow.fields, iifname="link0", oifname="link0")
    table = firewalls(network)[interface.id]
    assert evaluate(table, "prerouting", linked) == "accept"
    assert evaluate(table, "postrouting", linked) == "accept"


def test_an_interface_without_groups_has_no_firewall_and_a_gateways_takes_nothing_for_itself() -> (
    None
):
    plain = Interface("eni-1", VPC.id, "subnet-1", "z1", "10.0.0.9")
    gateway = Interface("eni-2", VPC.id, "subnet-1", "z1", "10.0.0.10")
    network = Network(
        vpcs=(VPC,),
        interfaces=(plain, gateway),
        nat_gateways=(NatGateway("nat-1", "eni-2", "203.0.113.10"),),
    )
    tables = firewalls(network)
    assert set(tables) == {"eni-2"}
    flow = packet(Flow("10.0.0.8", nftables.TCP, 80, 0), "10.0.0.10", inward=True)
    assert evaluate(tables["eni-2"], "input", flow) == "drop"
