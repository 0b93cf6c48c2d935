"""Keeps the tables of NLB nodes and endpoints, and the links between them, as they are wanted."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence

from underpass.twin.balancers.model import Balancing, LoadBalancer, Place
from underpass.twin.balancers.nlb import conntrack
from underpass.twin.balancers.nlb.endings import Address, ended
from underpass.twin.balancers.nlb.flows import endpoint_table, listener_targets, node_table
from underpass.twin.balancers.nlb.privatelink import Connection, ServiceConnection
from underpass.twin.balancers.targets import Seen, healthy
from underpass.twin.fabric import nft
from underpass.twin.fabric.fabric import Fabric
from underpass.twin.fabric.links import Link
from underpass.twin.fabric.wiring import INTERNET_NAME

log = logging.getLogger(__name__)

API_PORTS = (80, 443)  # where AWS's services answer


class Flows:
    """What was applied where, so that only what differs is applied again."""

    def __init__(self, fabric: Fabric, seen: Seen) -> None:
        self._fabric = fabric
        self._seen = seen
        self._tables: dict[str, nft.Table] = {}
        self._links: dict[str, Link] = {}
        self._carried: dict[str, set[Address]] = {}
        self._sent: dict[str, set[Address]] = {}
        self.serving: frozenset[str] = frozenset()  # addresses that some node finds well

    def apply(
        self,
        wanted: Balancing,
        connected: Sequence[Connection],
        services: Sequence[ServiceConnection] = (),
    ) -> None:
        """Make tables and links those that are wanted.

        Raises
        ------
        ExceptionGroup
            When some could not be made; the others were.
        """
        failed: list[Exception] = []
        self._link(connected, services, failed)
        tables = wanted_tables(wanted, connected, self._links, self._seen)
        tables |= service_tables(services, self._links)
        there = {name: table for name, table in tables.items() if self._fabric.up(name)}
        for known in (self._tables, self._carried, self._sent):
            for name in known.keys() - there.keys():
                known.pop(name)  # it went with its namespace
        for name, table in there.items():
            self._replace(name, table, failed)
        serving: set[str] = set()
        for balancer, node in _nodes(wanted):
            if node.interface_id in there:
                self._end(wanted, balancer, node)
                serving |= healthy(balancer, node, wanted, self._seen)
        self.serving = frozenset(serving)
        if failed:
            raise ExceptionGroup("flows", failed)

    def _link(
        self,
        connected: Iterable[Connection],
        services: Iterable[ServiceConnection],
        failed: list[Exception],
    ) -> None:
        wanted = {
            one.key: (one.place.interface_id, one.node.interface_id, one.balancer.name)
            for one in connected
        } | {
            one.key: (one.place.interface_id, INTERNET_NAME, one.endpoint.service)
            for one in services
        }
        for key in self._links.keys() - wanted.keys():
            log.info("PrivateLink connection %s removed", key)
            self._fabric.unlink(key)
            del self._links[key]
        for key, (near, far, offered) in wanted.items():
            try:
                link = self._fabric.link(near, far, key)
            except OSError as error:
                self._links.pop(key, None)
                failed.append(error)
                continue
            if key not in self._links:
                log.info("PrivateLink: %s reaches %s", near, offered)
            self._links[key] = link

    def _replace(self, name: str, table: nft.Table, failed: list[Exception]) -> None:
        if self._tables.get(name) == table:
            return
        try:
            self._fabric.apply(name, table)
            self._tables[name] = table
        except OSError as error:
            self._tables.pop(name, None)
            failed.append(error)

    def _end(self, wanted: Balancing, balancer: LoadBalancer, node: Place) -> None:
        carried = self._carried.setdefault(node.interface_id, set())
        targets = listener_targets(balancer, node, wanted, self._seen)
        sent = {one for found in targets.values() for one in found}
        carried |= sent
        over = ended(carried, sent, balancer, node, wanted, self._seen)
        carried -= over.forgotten
        path, no_more = (
            self._fabric.path(node.interface_id),
            self._sent.get(node.interface_id, set()) - sent,
        )
        self._sent[node.interface_id] = sent
        if over.cut and (count := conntrack.cut(path, over.cut)):
            log.info("%s: %d flows to %s ended", balancer.name, count, sorted(over.cut))
        if no_more and (count := conntrack.cut(path, no_more, unanswered=True)):
            log.info("%s: %d flows nobody answered at %s", balancer.name, count, sorted(no_more))


def wanted_tables(
    wanted: Balancing, connected: Iterable[Connection], links: Mapping[str, Link], seen: Seen
) -> dict[str, nft.Table]:
    """Return the table of every NLB node and of every endpoint interface. Pure."""
    linked = [(one, links[one.key]) for one in connected if one.key in links]
    tables: dict[str, nft.Table] = {}
    for balancer, node in _nodes(wanted):
        ends = [link.b_address for one, link in linked if one.node == node]
        targets = listener_targets(balancer, node, wanted, seen)
        tables[node.interface_id] = node_table((node.address, *ends), targets)
    for endpoint in wanted.endpoints:
        for place in endpoint.places:
            tables[place.interface_id] = endpoint_table(place.address)
    for one, link in linked:
        balancer, inbound = one.balancer, dict(wanted.inbound)
        rules = [rule for group in balancer.groups for rule in inbound.get(group, ())]
        tables[one.place.interface_id] = endpoint_table(
            one.place.address,
            link.a_device,
            link.b_address,
            [listener.port for listener in balancer.listeners],
            rules if balancer.enforces_inbound else None,
        )
    return tables


def service_tables(
    services: Iterable[ServiceConnection], links: Mapping[str, Link]
) -> dict[str, nft.Table]:
    """Return the tables of the interfaces that lead to AWS's own services. Pure."""
    linked = [(one.place, links[one.key]) for one in services if one.key in links]
    return {
        place.interface_id: endpoint_table(place.address, link.a_device, link.b_address, API_PORTS)
        for place, link in linked
    }


def _nodes(wanted: Balancing) -> Iterator[tuple[LoadBalancer, Place]]:
    for balancer in wanted.balancers:
        if balancer.kind == "network":
            for node in wanted.nodes_of(balancer):
                yield balancer, node
