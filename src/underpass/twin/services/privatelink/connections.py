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


def endpoint_records(connections: Iterable[Connection], healthy: Healthy) -> Records:
    """Return the regional and zonal names of endpoints that are connected."""
    records: Records = {}
    for endpoint, connected in _by_endpoint(connections):
        good = [one.eni for one in connected if healthy(one.balancer, one.node)]
        everywhere = addresses_of(good or [one.eni for one in connected])
        records[endpoint.names[0]] = everywhere
        for name in endpoint.names[1:]:
            label = name.partition(".")[0]
            zones = [one.eni for one in connected if label.endswith(f"-{one.eni.zone}")]
            if zones:
                records[name] = addresses_of(zones)
    return records


def private_records(connections: Iterable[Connection], healthy: Healthy) -> dict[str, Records]:
    """Return the private names of services, by the VPC that uses them."""
    found: dict[str, Records] = {}
    everywhere = endpoint_records(connections, healthy)
    for endpoint, _ in _by_endpoint(connections):
        for name in endpoint.names[1:]:
            if name not in everywhere:
                found.setdefault(endpoint.vpc_id, {})[name] = everywhere[endpoint.names[0]]
    return found


def service_records(services: Iterable[ServiceConnection]) -> tuple[Records, dict[str, Records]]:
    """Return the names of the endpoints of AWS's own services: everywhere, and the private ones by VPC."""
    everywhere: Records = {}
    private: dict[str, Records] = {}
    grouped: dict[str, list[ServiceConnection]] = {}
    for one in services:
        grouped.setdefault(one.endpoint.id, []).append(one)
    for connected in grouped.values():
        endpoint, addresses = connected[0].endpoint, addresses_of(one.eni for one in connected)
        for name in endpoint.names:
            label = name.partition(".")[0]
            if not label.startswith(endpoint.id):
                private.setdefault(endpoint.vpc_id, {})[name] = addresses
                continue
            zonal = [one.eni for one in connected if label.endswith(f"-{one.eni.zone}")]
            everywhere[name] = addresses_of(zonal) or addresses
    return everywhere, private


def _by_endpoint(
    connections: Iterable[Connection],
) -> list[tuple[Endpoint, list[Connection]]]:
    grouped: dict[str, tuple[Endpoint, list[Connection]]] = {}
    for one in connections:
        grouped.setdefault(one.endpoint.id, (one.endpoint, []))[1].append(one)
    return list(grouped.values())
