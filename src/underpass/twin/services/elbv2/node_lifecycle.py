"""What a load balancer's nodes need next, and which of them DNS names. Pure.

A node comes: its interface first, then it listens, then DNS names it. It goes the other way round: it leaves
DNS and still serves, then its interface is detached and nothing answers there, then the interface is deleted
and anybody may have the address. Nothing leaves before everything that stays is named.

AWS documents the first steps (an address is registered in DNS when it serves; an interface must be detached
before it can be deleted) and not how long each takes, so the times are the twin's own. AWS's seconds:
a leaving node serves for four times the 60 s that DNS answers may be kept, and its interface stays detached
for another 60. Both run on the twin's clock, but for a node to which clients still have connections, which
has the time in full: nobody is cut off here who would not be in AWS.
Source: elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works (request routing),
AWSEC2/latest/APIReference/API_DeleteNetworkInterface.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer, Phase

MOST = 100  # nodes of an ALB


@dataclass(frozen=True)
class Times:
    """How long a node that left DNS still serves, and how long its interface then stays, in seconds.

    ``busy_s`` is how long it serves where clients have connections to it.
    """

    serves_s: float = 240
    detached_s: float = 60
    busy_s: float = 240


@dataclass(frozen=True)
class Leaving:
    """A node on its way out: in this phase since then."""

    phase: Phase
    since_s: float


@dataclass(frozen=True)
class Steps:
    """What to do now: (subnet, the address asked for or "") to create, and interfaces by id.

    ``next_s`` is when there will be more to do if nothing else happens; None for never.
    """

    create: tuple[tuple[str, str], ...] = ()
    leave: tuple[str, ...] = ()
    detach: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    next_s: float | None = None


def spread(count: int, subnets: Sequence[str]) -> dict[str, int]:
    """Return how many nodes each subnet has when there are ``count`` over all."""
    each, more = divmod(count, len(subnets))
    return {subnet: each + (number < more) for number, subnet in enumerate(subnets)}


def steps(
    balancer: LoadBalancer,
    nodes: Sequence[Eni],
    *,
    count: int,
    doomed: Collection[str],
    leaving: Mapping[str, Leaving],
    named: Collection[str],
    busy: Collection[str] = (),
    now_s: float,
    times: Times,
) -> Steps:
    """Return the next steps of one load balancer.

    Parameters
    ----------
    nodes
        Its interfaces, those that leave too.
    count
        How many nodes it should have.
    doomed
        Nodes to be replaced: they leave once their replacements are there.
    leaving
        Nodes on their way out.
    named
        Nodes that listen, so that DNS may name them.
    busy
        Those that leave to which clients have connections.
    """
    addresses = {subnet_id: address for subnet_id, _, address in balancer.subnets}
    homeless = tuple(node.interface_id for node in nodes if node.subnet_id not in addresses)
    settled = [
        node
        for node in nodes
        if node.subnet_id in addresses and node.interface_id not in {*leaving, *doomed}
    ]
    create: list[tuple[str, str]] = []
    surplus: list[str] = []
    staying: list[str] = []
    for subnet_id, wanted in spread(count, list(addresses)).items():
        here = [node.interface_id for node in settled if node.subnet_id == subnet_id]
        create += [(subnet_id, addresses[subnet_id])] * (wanted - len(here))
        staying += here[:wanted]
        surplus += here[wanted:]
    there = {node.interface_id for node in nodes}
    ready = not create and set(staying) <= set(named)
    going = (*surplus, *(one for one in doomed if one in there and one not in leaving))
    serves = {one: times.busy_s if one in busy else times.serves_s for one in leaving}
    due = {
        one: state.since_s + (serves[one] if state.phase is Phase.LEAVING else times.detached_s)
        for one, state in leaving.items()
        if one in there
    }
    over = [one for one, when_s in due.items() if when_s <= now_s]
    later = [when_s for when_s in due.values() if when_s > now_s]
    return Steps(
        create=tuple(create),
        leave=going if ready else (),
        detach=tuple(one for one in over if leaving[one].phase is Phase.LEAVING),
        delete=(*homeless, *(one for one in over if leaving[one].phase is Phase.DETACHED)),
        next_s=min(later, default=None),
    )


Records = dict[str, tuple[str, ...]]
Healthy = Callable[[LoadBalancer, Eni], bool]


def balancer_records(balancing: Balancing, up: Callable[[str], bool], healthy: Healthy) -> Records:
    """Return the names of load balancers, which resolve everywhere; an NLB has one for each zone too.

    A node that leaves is not named. The names answer with the zones that are well: a zone whose node finds
    no healthy target is left out, and when no zone is well all are named.
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
