"""PrivateLink: which endpoint interface is linked to which NLB node, or to AWS's own services. Pure.

An endpoint's interface talks to the node in its own Availability Zone and to no other. Behind the endpoints
of AWS's services is the host on the internet where the region's APIs are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from underpass.twin.services.elbv2.model import Balancing, Endpoint, LoadBalancer, Place

OFFERED = "com.amazonaws.vpce."  # how the names of endpoint services begin that are not AWS's own
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


@dataclass(frozen=True)
class ServiceConnection:
    """One endpoint interface of a service of AWS's own."""

    endpoint: Endpoint
    place: Place

    @property
    def key(self) -> str:
        """The name of the link to the service."""
        return f"{self.place.interface_id}:{self.endpoint.service}"


def service_connections(
    balancing: Balancing, up: Callable[[str], bool]
) -> tuple[ServiceConnection, ...]:
    """Return the connections to AWS's own services that can be wired."""
    return tuple(
        ServiceConnection(endpoint, place)
        for endpoint in balancing.endpoints
        if endpoint.state in LINKED and not endpoint.service.startswith(OFFERED)
        for place in endpoint.places
        if up(place.interface_id)
    )


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
