"""What load balancers are called in DNS. Pure.

A node that leaves is not named. AWS's names answer with the zones that are well: a zone whose node finds
no healthy target is left out, and when no zone is well all are named. They resolve everywhere, as AWS's
do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer, Phase

Records = dict[str, tuple[str, ...]]
Healthy = Callable[[LoadBalancer, Eni], bool]


def balancer_records(balancing: Balancing, up: Callable[[str], bool], healthy: Healthy) -> Records:
    """Return the names of load balancers; an NLB has one for each zone too.

    ``up`` tells of a node's interface whether the node can be reached.
    """
    records: Records = {}
    for balancer in balancing.balancers:
        nodes = [
            node
            for node in balancing.nodes_of(balancer)
            if node.phase is Phase.IN_SERVICE and up(node.interface_id)
        ]
        good = [node for node in nodes if healthy(balancer, node)] or nodes
        records[balancer.dns_name] = addresses_of(good)
        records[f"all.{balancer.dns_name}"] = addresses_of(nodes)
        if balancer.kind == "network":
            for node in nodes:
                records[f"{node.zone}.{balancer.dns_name}"] = (node.address,)
    return {name: addresses for name, addresses in records.items() if addresses}


def addresses_of(enis: Iterable[Eni]) -> tuple[str, ...]:
    """Return the addresses, in order."""
    return tuple(sorted(eni.address for eni in enis))
