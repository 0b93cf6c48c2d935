"""Names for the VPCs there are: a resolver and a resolv.conf each, and AWS's internal host names.

A controller: it follows the interfaces. Route 53's private zones have a loop of their own (``Zones``).
"""

from __future__ import annotations

import socket
from collections import defaultdict
from pathlib import Path
from typing import ClassVar

from underpass.twin.linux import namespaces
from underpass.twin.linux.within import within
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import Reconciler
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ec2.model import Vpc
from underpass.twin.services.ec2.routing import resolvers
from underpass.twin.services.route53.hosted_zones import Zones
from underpass.twin.services.route53.resolver import Resolver

RESOLV_CONF = Path("/etc/resolv.conf")
SOURCE = "interfaces"


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
            self._names.set(SOURCE, vpc_id, {})
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
            self._names.set(SOURCE, vpc_id, hosts[vpc_id])

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
