"""Security groups as nftables: pure, from the network the EC2 API describes.

One table in each interface's own namespace, so that every packet meets it: what comes in by ``eth0``
before any NAT, what goes out by ``eth0`` after. So it sees the addresses AWS's would, for a process in
the namespace and for flows a balancer passes on alike. Groups are stateful: a flow that was let through
stays, whatever the rules become. Ways in and out are chains of their own: one cannot excuse the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.gateways import nat_table
from underpass.twin.services.ec2.model import ANYWHERE, Network, Rule, SecurityGroup, Vpc
from underpass.twin.services.ec2.routing import resolvers

PRIORITY = -150  # after conntrack, before NAT changes the addresses
PROTOCOLS = {"tcp": nftables.TCP, "udp": nftables.UDP, "icmp": nftables.ICMP}
ALL = "-1"

Members = Mapping[str, Sequence[str]]


def firewalls(network: Network) -> dict[str, nftables.Table]:
    """Return the table of each interface by its id; one that carries no group has none."""
    groups = {group.id: group for group in network.groups}
    vpcs = {vpc.id: vpc for vpc in network.vpcs}
    translating = {gateway.interface_id for gateway in network.nat_gateways}
    members = group_members(network)
    tables: dict[str, nftables.Table] = {}
    for interface in network.interfaces:
        if interface.id in translating:
            tables[interface.id] = nat_table(interface)
        elif interface.groups and interface.vpc_id in vpcs:
            carried = [groups[group] for group in interface.groups if group in groups]
            tables[interface.id] = firewall(vpcs[interface.vpc_id], carried, members)
    return tables


def group_members(network: Network) -> dict[str, list[str]]:
    """Return the addresses of the interfaces that carry each group: whom a reference to it means."""
    members: dict[str, list[str]] = defaultdict(list)
    for interface in network.interfaces:
        for group in interface.groups:
            members[group].append(interface.address)
    return dict(members)


def firewall(vpc: Vpc, carried: Iterable[SecurityGroup], members: Members) -> nftables.Table:
    """Return the table of an interface in ``vpc`` that carries these groups."""
    groups = tuple(carried)
    known = nftables.rule(
        nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept()
    )
    resolver = nftables.addresses("resolver", resolvers(vpc))
    # AWS's resolver is outside what security groups govern.
    names = (
        nftables.rule(nftables.udp_dport(53), nftables.daddr(resolver), nftables.accept()),
        nftables.rule(nftables.tcp_dport(53), nftables.daddr(resolver), nftables.accept()),
    )
    in_sets, in_rules = _permissions(
        "in", nftables.Field.SADDR, (g.ingress for g in groups), members
    )
    out_sets, out_rules = _permissions(
        "out", nftables.Field.DADDR, (g.egress for g in groups), members
    )
    elsewhere_in = nftables.rule(nftables.iifname("eth0", negated=True), nftables.accept())
    elsewhere_out = nftables.rule(nftables.oifname("eth0", negated=True), nftables.accept())
    ingress = (elsewhere_in, known, *in_rules)
    egress = (elsewhere_out, known, *names, *out_rules)
    return nftables.Table(
        "firewall",
        sets=(resolver, *in_sets, *out_sets),
        chains=(
            nftables.Chain("ingress", "prerouting", PRIORITY, ingress, policy="drop"),
            nftables.Chain("egress", "postrouting", PRIORITY, egress, policy="drop"),
        ),
    )


def _permissions(
    way: str, peer: nftables.Field, groups: Iterable[Iterable[Rule]], members: Members
) -> tuple[list[nftables.Set], list[nftables.Rule]]:
    """Return one accepting rule, and its set of peers, for each protocol and range of ports."""
    peers: dict[nftables.Rule, set[str]] = defaultdict(set)
    for rules in groups:
        for rule in rules:
            allowed = peers[_kind(rule)]
            allowed.update(rule.cidrs)
            for group in rule.groups:
                allowed.update(members.get(group, ()))
    sets: list[nftables.Set] = []
    accepting: list[nftables.Rule] = []
    for number, (kind, allowed) in enumerate(sorted(peers.items(), key=repr)):
        if ANYWHERE in allowed:
            accepting.append(nftables.rule(kind, nftables.accept()))
        elif allowed:
            sets.append(nftables.addresses(f"{way}-{number}", allowed))
            accepting.append(
                nftables.rule(kind, nftables.MatchSet(peer, sets[-1].name), nftables.accept())
            )
    return sets, accepting


def _kind(rule: Rule) -> nftables.Rule:
    """Return the matches for a permission's protocol and ports (for ICMP: type and code)."""
    if rule.protocol == ALL:
        return ()
    number = PROTOCOLS.get(rule.protocol)
    if number is None:
        number = int(rule.protocol)
    if number == nftables.ICMP:
        code = () if rule.to_port < 0 else (nftables.icmp_code(rule.to_port),)
        return (
            nftables.icmp()
            if rule.from_port < 0
            else nftables.rule(nftables.icmp(rule.from_port), *code)
        )
    if number not in {nftables.TCP, nftables.UDP} or rule.from_port < 0:
        return (nftables.l4proto(number),)
    ports = (rule.from_port, rule.to_port)
    return nftables.tcp_dport(ports) if number == nftables.TCP else nftables.udp_dport(ports)
