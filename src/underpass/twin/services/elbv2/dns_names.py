"""What load balancers and endpoints are called in DNS. Pure.

A node that leaves is not named. AWS's names answer with the zones that are well: a zone whose node finds
no healthy target is left out, and when no zone is well all are named. They resolve everywhere, as AWS's
do; a private name only in its VPC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from underpass.twin.services.elbv2.model import Balancing, Endpoint, LoadBalancer, Phase, Place
from underpass.twin.services.privatelink.connections import Connection, ServiceConnection

Records = dict[str, tuple[str, ...]]
Well = Callable[[LoadBalancer, Place], bool]


def balancer_records(balancing: Balancing, up: Callable[[str], bool], well: Well) -> Records:
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
        good = [node for node in nodes if well(balancer, node)] or nodes
        records[balancer.dns_name] = _addresses(good)
        records[f"all.{balancer.dns_name}"] = _addresses(nodes)
        if balancer.kind == "network":
            for node in nodes:
                records[f"{node.zone}.{balancer.dns_name}"] = (node.address,)
    return {name: addresses for name, addresses in records.items() if addresses}


def endpoint_records(connections: Iterable[Connection], well: Well) -> Records:
    """Return the regional and zonal names of endpoints that are connected."""
    records: Records = {}
    for endpoint, connected in _by_endpoint(connections):
        good = [one.place for one in connected if well(one.balancer, one.node)]
        everywhere = _addresses(good or [one.place for one in connected])
        records[endpoint.names[0]] = everywhere
        for name in endpoint.names[1:]:
            label = name.partition(".")[0]
            zones = [one.place for one in connected if label.endswith(f"-{one.place.zone}")]
            if zones:
                records[name] = _addresses(zones)
    return records


def private_records(connections: Iterable[Connection], well: Well) -> dict[str, Records]:
    """Return the private names of services, by the VPC that uses them."""
    found: dict[str, Records] = {}
    everywhere = endpoint_records(connections, well)
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
        endpoint, addresses = connected[0].endpoint, _addresses(one.place for one in connected)
        for name in endpoint.names:
            label = name.partition(".")[0]
            if not label.startswith(endpoint.id):
                private.setdefault(endpoint.vpc_id, {})[name] = addresses
                continue
            zonal = [one.place for one in connected if label.endswith(f"-{one.place.zone}")]
            everywhere[name] = _addresses(zonal) or addresses
    return everywhere, private


def _by_endpoint(
    connections: Iterable[Connection],
) -> list[tuple[Endpoint, list[Connection]]]:
    grouped: dict[str, tuple[Endpoint, list[Connection]]] = {}
    for one in connections:
        grouped.setdefault(one.endpoint.id, (one.endpoint, []))[1].append(one)
    return list(grouped.values())


def _addresses(places: Iterable[Place]) -> tuple[str, ...]:
    return tuple(sorted(place.address for place in places))
