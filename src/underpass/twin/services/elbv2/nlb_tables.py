"""NLB and PrivateLink as flow NAT: load balancers, targets and health in, nftables tables out. Pure.

A node's namespace sends each new flow to one of the targets it should use, by a hash of the flow's source
address and port (all flows of a PrivateLink endpoint share the address), and as its own: targets see the
node's address. An endpoint's namespace sends its listeners' ports over a link to the node in its zone, as
its own again, so neither VPC needs a route to the other. Flows that exist stay where they are in conntrack,
whatever the map becomes. Nothing but such flows is ever passed on, and nothing else is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.model import Rule
from underpass.twin.services.elbv2.model import Balancing, Forward, LoadBalancer, Place
from underpass.twin.services.elbv2.target_selection import Seen, usable

TABLE = "balancer"
ANYWHERE = "0.0.0.0/0"
DESTINATION, SOURCE = -100, 100  # priorities of destination and source NAT

Targets = Mapping[int, tuple[tuple[str, int], ...]]  # listener port -> (address, port)...


def listener_targets(
    balancer: LoadBalancer, node: Place, balancing: Balancing, seen: Seen
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Return where a node should send each listener's flows now."""
    targets: dict[int, tuple[tuple[str, int], ...]] = {}
    for listener in balancer.listeners:
        action = listener.rules[-1].action
        group = balancing.group(action.groups[0][0]) if isinstance(action, Forward) else None
        targets[listener.port] = usable(balancer, group, node, seen) if group else ()
    return targets


def node_table(addresses: Iterable[str], targets: Targets) -> nftables.Table:
    """Return the table of an NLB node that answers on ``addresses``: its own and those of its links' ends."""
    here = nftables.addresses("here", addresses)
    maps = {port: nftables.Map(f"port-{port}", found) for port, found in targets.items() if found}
    empty = [port for port in targets if port not in maps]
    return nftables.Table(
        TABLE,
        sets=(here,),
        maps=tuple(maps.values()),
        chains=(
            nftables.Chain(
                "spread",
                "prerouting",
                DESTINATION,
                tuple(
                    nftables.rule(
                        nftables.daddr(here), nftables.tcp_dport(port), nftables.dnat_by(found)
                    )
                    for port, found in maps.items()
                ),
                type="nat",
            ),
            _as_its_own("eth0"),
            _passing(
                nftables.rule(nftables.ct_status(nftables.DESTINATION_NAT), nftables.accept())
            ),
            _delivered(
                nftables.rule(nftables.tcp_dport(port), nftables.reject(tcp_reset=True))
                for port in empty
            ),
        ),
    )


def endpoint_table(
    address: str,
    device: str = "",
    far_end: str = "",
    ports: Iterable[int] = (),
    inbound: Iterable[Rule] | None = None,
) -> nftables.Table:
    """Return the table of an endpoint interface.

    Parameters
    ----------
    address
        The interface's own address.
    device, far_end
        The link to the NLB's node: its device here and the node's address on it; none is not connected.
    ports
        The NLB's listeners.
    inbound
        The inbound rules of the NLB's security groups, when they are enforced on PrivateLink traffic. They
        meet the consumer's own address here; peers named by group match nothing, as across VPCs in AWS.
    """
    listened = nftables.ports("listened", ports)
    connected = bool(device and listened.spans)
    translated = nftables.ct_status(nftables.DESTINATION_NAT)
    known = nftables.rule(
        translated, nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept()
    )
    admitted: tuple[nftables.Rule, ...] = (nftables.rule(translated, nftables.accept()),)
    if inbound is not None:
        admitted = tuple(
            nftables.rule(translated, rule) for one in inbound for rule in _admitting(one)
        )
    forward = (
        nftables.rule(
            nftables.iifname("eth0"),
            nftables.daddr(address),
            nftables.tcp_dport(listened),
            nftables.dnat(far_end),
        )
        if connected
        else ()
    )
    return nftables.Table(
        TABLE,
        sets=(listened,) if connected else (),
        chains=(
            nftables.Chain(
                "connect", "prerouting", DESTINATION, (forward,) if connected else (), type="nat"
            ),
            *((_as_its_own(device),) if connected else ()),
            _passing(known, *admitted),
            _delivered(()),
        ),
    )


def _as_its_own(device: str) -> nftables.Chain:
    translated = nftables.ct_status(nftables.DESTINATION_NAT)
    rule = nftables.rule(nftables.oifname(device), translated, nftables.masquerade())
    return nftables.Chain("as-its-own", "postrouting", SOURCE, (rule,), type="nat")


def _passing(*rules: nftables.Rule) -> nftables.Chain:
    return nftables.Chain("passing", "forward", 0, rules, policy="drop")


def _delivered(rules: Iterable[nftables.Rule]) -> nftables.Chain:
    known = nftables.rule(
        nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept()
    )
    return nftables.Chain("delivered", "input", 0, (known, *rules), policy="drop")


def _admitting(one: Rule) -> Iterable[nftables.Rule]:
    if one.protocol not in {"tcp", "6", "-1"}:
        return
    whole = one.protocol == "-1" or one.from_port < 0
    span = (0, 65535) if whole else (one.from_port, one.to_port)
    for cidr in one.cidrs:
        peer = () if cidr == ANYWHERE else (nftables.saddr(cidr),)
        yield nftables.rule(nftables.tcp_dport(span), peer, nftables.accept())
