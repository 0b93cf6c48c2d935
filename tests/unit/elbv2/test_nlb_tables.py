"""The tables of NLB nodes, read as the kernel would."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ec2.evaluator import Packet, evaluate
from tests.unit.elbv2 import sample

from underpass.twin.linux import nftables
from underpass.twin.services.elbv2.health import HEALTHY
from underpass.twin.services.elbv2.nlb_tables import listener_targets, node_table

NODE, LINK = "10.20.0.250", "169.254.100.2"


def packet(
    destination: str,
    port: int,
    *,
    source: str = "10.20.0.9",
    state: int = nftables.NEW,
    status: int = 0,
    iifname: str = "eth0",
    oifname: str = "",
) -> Packet:
    """Return a TCP packet."""
    fields = {
        nftables.Field.L4PROTO: nftables.TCP,
        nftables.Field.SADDR: int(IPv4Address(source)),
        nftables.Field.DADDR: int(IPv4Address(destination)),
        nftables.Field.DPORT: port,
        nftables.Field.CT_STATE: state,
        nftables.Field.CT_STATUS: status,
    }
    return Packet(fields, iifname, oifname)


def sent_to(table: nftables.Table, destination: str, port: int) -> set[tuple[str, int]]:
    """Return where the table may send a new flow to this address and port; nowhere is the empty set."""
    maps = {one.name: one for one in table.maps}
    (chain,) = [one for one in table.chains if (one.hook, one.type) == ("prerouting", "nat")]
    for rule in chain.rules:
        *matches, action = rule
        probe = nftables.Table(
            "probe",
            table.sets,
            chains=(
                nftables.Chain(
                    "p", "prerouting", 0, ((*matches, nftables.accept()),), policy="drop"
                ),
            ),
        )
        if evaluate(probe, "prerouting", packet(destination, port)) == "accept":
            if isinstance(action, nftables.Spread):
                assert action.count == len(maps[action.map].targets)
                return set(maps[action.map].targets)
            assert isinstance(action, nftables.Translate)
            return {(action.address, action.port)}
    return set()


@given(first=sample.placed, second=sample.placed, healthy=st.data(), zone=st.sampled_from("ab"))
def test_every_listener_is_spread_over_exactly_its_own_targets(
    first: dict[str, str], second: dict[str, str], healthy: st.DataObject, zone: str
) -> None:
    groups = (sample.group("one", first.items()), sample.group("two", second.items(), port=8080))
    balancer = sample.balancer("network", *groups)
    balancing = sample.balancing(balancer, *groups)
    good = {one for one in {*first, *second} if healthy.draw(sample.healths) == HEALTHY}
    node = sample.node(zone)

    targets = listener_targets(balancer, node, balancing, sample.healthy(*good))
    table = node_table(node.address, targets)

    for port, target_port, placed in ((80, 80, first), (81, 8080, second)):
        near = {address for address, where in placed.items() if where in {zone, "all"}}
        expected = {(address, target_port) for address in (near & good) or near}
        assert sent_to(table, node.address, port) == expected
        assert sent_to(table, LINK, port) == expected
    assert sent_to(table, node.address, 82) == set()
    assert sent_to(table, "10.20.0.7", 80) == set(), "an address that is not the node's"


def test_a_node_passes_on_nothing_but_translated_flows_and_delivers_nothing() -> None:
    table = node_table(NODE, {80: (("10.20.0.1", 80),), 81: ()})
    through = packet("10.20.0.1", 80, iifname="link0", oifname="eth0")
    assert evaluate(table, "forward", through) == "drop"
    translated = packet("10.20.0.1", 80, status=nftables.DESTINATION_NAT)
    assert evaluate(table, "forward", translated) == "accept"
    for port in (22, 80, 81):
        assert evaluate(table, "input", packet(NODE, port)) == "drop"
    answer = packet(NODE, 40000, state=nftables.ESTABLISHED)  # to the node's own health check
    assert evaluate(table, "input", answer) == "accept"


def test_a_listener_without_targets_refuses_at_once() -> None:
    table = node_table(NODE, {81: ()})
    (chain,) = [one for one in table.chains if one.hook == "input"]
    refusing = [rule for rule in chain.rules if nftables.Reject(tcp_reset=True) in rule]
    assert len(refusing) == 1
    assert nftables.tcp_dport(81)[1] in refusing[0]
    assert table.maps == (), "nftables knows no empty map to hash into"
