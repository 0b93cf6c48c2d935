"""The NLB as flow NAT: load balancers, targets and health in, nftables tables out. Pure.

A node's namespace sends each new flow to one of the targets it should use, by a hash of the flow's source
address and port (all flows of a PrivateLink endpoint share the address), and as its own: targets see the
node's address. Flows that exist stay where they are in conntrack, whatever the map becomes. Nothing but
such flows is ever passed on, and nothing else is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from underpass.twin.linux import links, nftables
from underpass.twin.services.elbv2.model import Balancing, Eni, Forward, LoadBalancer
from underpass.twin.services.elbv2.target_selection import Observed, usable

TABLE = "balancer"
DESTINATION, SOURCE = -100, 100  # priorities of destination and source NAT

Targets = Mapping[int, tuple[tuple[str, int], ...]]  # listener port -> (address, port)...


def listener_targets(
    balancer: LoadBalancer, node: Eni, balancing: Balancing, observed: Observed
) -> dict[int, tuple[tuple[str, int], ...]]:
    """Return where a node should send each listener's flows now."""
    targets: dict[int, tuple[tuple[str, int], ...]] = {}
    for listener in balancer.listeners:
        action = listener.rules[-1].action
        group = balancing.group(action.groups[0][0]) if isinstance(action, Forward) else None
        targets[listener.port] = usable(balancer, group, node, observed) if group else ()
    return targets


def node_table(address: str, targets: Targets) -> nftables.Table:
    """Return the table of an NLB node: it answers on its own address, and at the ends of links to it."""
    here = nftables.addresses("here", (address, str(links.SPACE)))
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
            as_its_own("eth0"),
            passing(nftables.rule(nftables.ct_status(nftables.DESTINATION_NAT), nftables.accept())),
            delivered(
                nftables.rule(nftables.tcp_dport(port), nftables.reject(tcp_reset=True))
                for port in empty
            ),
        ),
    )


def as_its_own(device: str) -> nftables.Chain:
    """Return the chain by which what was redirected leaves by ``device`` under its address."""
    translated = nftables.ct_status(nftables.DESTINATION_NAT)
    rule = nftables.rule(nftables.oifname(device), translated, nftables.masquerade())
    return nftables.Chain("as-its-own", "postrouting", SOURCE, (rule,), type="nat")


def passing(*rules: nftables.Rule) -> nftables.Chain:
    """Return the chain that lets through what ``rules`` accept, and nothing else."""
    return nftables.Chain("passing", "forward", 0, rules, policy="drop")


def delivered(rules: Iterable[nftables.Rule]) -> nftables.Chain:
    """Return the chain that lets in answers and what ``rules`` say, and nothing else."""
    known = nftables.rule(
        nftables.ct_state(nftables.ESTABLISHED, nftables.RELATED), nftables.accept()
    )
    return nftables.Chain("delivered", "input", 0, (known, *rules), policy="drop")
