"""PrivateLink's connections: which endpoint interface is linked to which NLB node, and under what name. Pure.

An endpoint's interface talks to the node in its own Availability Zone and to no other. Behind the endpoints
of AWS's services is the host on the internet where the region's APIs are. AWS's names of endpoints answer
with the zones that are well, as load balancers' do, and resolve everywhere; a private name only in its VPC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from underpass.twin.services.elbv2.model import Balancing
from underpass.twin.services.elbv2.node_lifecycle import Healthy, Records, addresses_of
from underpass.twin.services.privatelink.model import Connection, Endpoint, ServiceConnection

OFFERED = "com.amazonaws.vpce."  # how the names of endpoint services begin that are not AWS's own
LINKED = frozenset({"pending", "available"})  # accepted, whether or not it is wired yet


def service_connections(
    endpoints: Iterable[Endpoint], up: Callable[[str], bool]
) -> tuple[ServiceConnection, ...]:
    """Return the connections to AWS's own services that can be wired."""
    return tuple(
        ServiceConnection(endpoint, eni)
        for endpoint in endpoints
        if endpoint.state in LINKED and not endpoint.service.startswith(OFFERED)
        for eni in endpoint.enis
        if up(eni.interface_id)
    )


def connections(
    endpoints: Iterable[Endpoint], balancing: Balancing, up: Callable[[str], bool]
) -> tuple[Connection, ...]:
    """Return the connections that can be wired: accepted ones, both ends up."""
    balancers = {balancer.arn: balancer for balancer in balancing.balancers}
    found = []
    for endpoint in endpoints:
        if endpoint.state not in LINKED:
            continue
        offered = [balancers[arn] for arn in endpoint.balancers if arn in balancers]
        for eni in endpoint.enis:
            nodes = [
                (balancer, node)
                for balancer in offered
                for node in balancing.nodes_of(balancer)
                if node.zone == eni.zone and up(node.interface_id)
            ]
            if nodes and up(eni.interface_id):
                found.append(Connection(endpoint, eni, *nodes[0]))
    return tuple(found)


def endpoint_records(
    connected: Iterable[Connection | ServiceConnection], healthy: Healthy
) -> tuple[Records, dict[str, Records]]:
    """Return the names of endpoints that are connected: those known everywhere, and the private ones by VPC.

    A zone's name leads to its interface, once that is connected; any other name to those that are well.
    """
    everywhere: Records = {}
    private: dict[str, Records] = {}
    grouped: dict[Endpoint, list[Connection | ServiceConnection]] = {}
    for one in connected:
        grouped.setdefault(one.endpoint, []).append(one)
    for endpoint, together in grouped.items():
        good = [
            one.eni
            for one in together
            if isinstance(one, ServiceConnection) or healthy(one.balancer, one.node)
        ] or [one.eni for one in together]
        for name in endpoint.names:
            label = name.partition(".")[0]
            zonal = [one.eni for one in together if label.endswith(f"-{one.eni.zone}")]
            own = label.startswith(endpoint.id)
            records = everywhere if own else private.setdefault(endpoint.vpc_id, {})
            if at := zonal if own and name != endpoint.names[0] else good:
                records[name] = addresses_of(at)
    return everywhere, private
