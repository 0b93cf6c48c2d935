"""Names for the VPCs there are: a resolver and a resolv.conf each, and AWS's internal host names.

Two controllers: one follows the interfaces, the other Route 53's private zones, in a loop of its own.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from underpass.twin.linux import namespaces
from underpass.twin.linux.within import within
from underpass.twin.region.accounts import everybody
from underpass.twin.region.aws import Clients
from underpass.twin.region.context import Region
from underpass.twin.region.dns_records import Names
from underpass.twin.region.reconcile import Reconciler
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ec2.model import Vpc
from underpass.twin.services.ec2.routing import resolvers
from underpass.twin.services.route53.resolver import Resolver

RESOLV_CONF = Path("/etc/resolv.conf")
HOSTS, ZONES = "interfaces", "route53"  # sources of DNS records


class NameService:
    """Follows the VPCs: one that comes gets its resolver, one that goes loses it."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.INTERFACES,)

    def __init__(self, region: Region, fabric: Fabric) -> None:
        self._region = region
        self._fabric = fabric
        self._names = region.names
        self._resolver = Resolver(region.names)
        self._zones = Zones(region.clients, region.names)
        self._loop = Reconciler("zones", self._zones.reconcile)
        self._served: dict[str, str] = {}  # CIDR by VPC

    def start(self) -> None:
        """Start answering, and following Route 53."""
        make_bindable(RESOLV_CONF)
        self._resolver.start()
        self._loop.start(self._region.feed, self._zones.topics)

    def stop(self) -> None:
        """Stop both."""
        self._loop.stop()
        self._resolver.stop()

    def serve_host(self, name: str) -> None:
        """Serve one host outside every VPC, on its own loopback: it knows the names that resolve anywhere."""
        opened = within(namespaces.path(name), lambda: _bound(("127.0.0.1",)))
        self._resolver.serve(name, opened)
        self._write(name, "nameserver 127.0.0.1\noptions timeout:2\n")

    def reconcile(self) -> None:
        """Serve the VPCs that are up, and name their interfaces."""
        network = self._fabric.network()
        wanted = {
            vpc.id: vpc for vpc in network.vpcs if vpc.dns_support and self._fabric.up(vpc.id)
        }
        for vpc_id in self._served.keys() - wanted.keys():
            self._resolver.cease(vpc_id)
            self._names.set(HOSTS, vpc_id, {})
            self._region.resolv_conf(vpc_id).unlink(missing_ok=True)
            del self._served[vpc_id]
        for vpc in wanted.values():
            if vpc.id not in self._served:
                self._begin(vpc)
        hosts: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        domain = self._region.internal_domain
        for interface in network.interfaces:
            name = f"ip-{interface.address.replace('.', '-')}.{domain}"
            hosts[interface.vpc_id][name] = (interface.address,)
        for vpc_id in wanted:
            self._names.set(HOSTS, vpc_id, hosts[vpc_id])

    def _begin(self, vpc: Vpc) -> None:
        addresses = resolvers(vpc)
        opened = within(namespaces.path(vpc.id), lambda: _bound(addresses))
        self._resolver.serve(vpc.id, opened)
        search = self._region.internal_domain
        self._write(vpc.id, f"nameserver {addresses[0]}\nsearch {search}\noptions timeout:2\n")
        self._served[vpc.id] = vpc.cidr

    def _write(self, name: str, text: str) -> None:
        conf = self._region.resolv_conf(name)
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text(text)


def _bound(addresses: tuple[str, ...]) -> list[socket.socket]:
    opened = []
    for address in addresses:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            bound = socket.socket(socket.AF_INET, kind)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address, 53))
            opened.append(bound)
    return opened


def make_bindable(path: Path) -> None:
    """Make sure something is at ``path`` to bind over: it may be a link into /run, which is empty here."""
    target = path.resolve()
    if not target.exists() and target.is_relative_to("/run"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


class Zones:
    """A controller: what Route 53 says of private zones becomes what the VPCs' resolvers answer.

    Addresses (``A``), ``CNAME`` and alias records; of weighted and multi-value records all are given.
    An alias is followed at each look-up, so it moves with what it points at.
    """

    topics: ClassVar[tuple[Topic, ...]] = (Topic.ROUTE53,)

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._names = names

    def reconcile(self) -> None:
        """Read every private zone and replace the records of the VPCs that see it."""
        records: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        zones: dict[str, list[str]] = defaultdict(list)
        there = [one("route53") for one in everybody(self._clients)]
        for route53, zone in ((one, zone) for one in there for zone in _private_zones(one)):
            found = addresses(
                _pages(route53, "list_resource_record_sets", "ResourceRecordSets", zone["Id"])
            )
            for vpc in route53.get_hosted_zone(Id=zone["Id"]).get("VPCs", ()):
                zones[vpc["VPCId"]].append(zone["Name"])
                records[vpc["VPCId"]].update(found)
        for vpc_id in {*zones, *self._names.sources(ZONES)}:
            self._names.set(ZONES, vpc_id, records[vpc_id], tuple(zones[vpc_id]))


def _private_zones(route53: Any) -> Iterable[Mapping[str, Any]]:
    zones = _pages(route53, "list_hosted_zones", "HostedZones")
    return (zone for zone in zones if zone["Config"]["PrivateZone"])


def addresses(record_sets: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the values of the A, CNAME and alias records by name."""
    values: dict[str, tuple[str, ...]] = {}
    for record in record_sets:
        if record["Type"] not in {"A", "CNAME"}:
            continue
        listed = tuple(value["Value"] for value in record.get("ResourceRecords", ()))
        if "AliasTarget" in record:
            listed += (record["AliasTarget"]["DNSName"],)
        values[record["Name"]] = values.get(record["Name"], ()) + listed
    return values


def _pages(route53: Any, action: str, key: str, zone_id: str = "") -> Iterable[Mapping[str, Any]]:
    named = {"HostedZoneId": zone_id} if zone_id else {}
    for page in route53.get_paginator(action).paginate(**named):
        yield from page[key]
