"""PrivateLink: which endpoint interface is linked to which NLB node. Pure.

An endpoint's interface talks to the node in its own Availability Zone and to no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from underpass.twin.balancers.model import Balancing, Endpoint, LoadBalancer, Place

LINKED = frozenset({"pending", "available"})  # accepted, whether or not it is wired yet


@dataclass(frozen=True)
class Connection:
    """One endpoint interface and the node it should reach."""

    endpoint: Endpoint
    place: Place
    balancer: LoadBalancer
    node: Place

    @property
    def key(self) -> str:
        """The name of the link between them."""
        return f"{self.place.interface_id}:{self.node.interface_id}"


def connections(balancing: Balancing, up: Callable[[str], bool]) -> tuple[Connection, ...]:
    """Return the connections that can be wired: accepted ones, both ends up."""
    balancers = {balancer.arn: balancer for balancer in balancing.balancers}
    found = []
    for endpoint in balancing.endpoints:
        if endpoint.state not in LINKED:
            continue
        offered = [balancers[arn] for arn in endpoint.balancers if arn in balancers]
        for place in endpoint.places:
            nodes = [
                (balancer, node)
                for balancer in offered
                for node in balancing.nodes_of(balancer)
                if node.zone == place.zone and up(node.interface_id)
            ]
            if nodes and up(place.interface_id):
                found.append(Connection(endpoint, place, *nodes[0]))
    return tuple(found)
