"""What endpoints are called in DNS. Pure.

AWS's names answer with the zones that are well, as load balancers' do, and resolve everywhere; a private
name only in its VPC.
"""

from __future__ import annotations

from collections.abc import Iterable

from underpass.twin.services.elbv2.dns_names import Healthy, Records, addresses_of
from underpass.twin.services.privatelink.model import Connection, Endpoint, ServiceConnection


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
