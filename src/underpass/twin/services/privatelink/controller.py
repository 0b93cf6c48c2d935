"""PrivateLink made real: links between endpoints and NLB nodes, the endpoints' tables, names and states."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import ClassVar

from underpass.errors import UnderpassError
from underpass.twin.linux import nftables
from underpass.twin.linux.links import Link
from underpass.twin.region.accounts import everybody
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ec2.wiring import INTERNET_NAME
from underpass.twin.services.elbv2.controller import Balancers
from underpass.twin.services.elbv2.model import Balancing
from underpass.twin.services.privatelink import describe, endpoints
from underpass.twin.services.privatelink.connections import (
    connections,
    endpoint_records,
    service_connections,
)
from underpass.twin.services.privatelink.endpoint_tables import wanted_tables
from underpass.twin.services.privatelink.model import Connection, Endpoints, ServiceConnection

log = logging.getLogger(__name__)

SOURCE = "privatelink"  # of DNS records
TRUSTED_S = 10.0  # how long what was read holds when nobody says that it changed


class PrivateLink:
    """The connections of one region's endpoints."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.EC2, Topic.INTERFACES, Topic.HEALTH, Topic.APPLIED)

    def __init__(self, region: Region, fabric: Fabric, balancers: Balancers) -> None:
        self._region = region
        self._fabric = fabric
        self._balancers = balancers
        self._stale = threading.Event()
        self._stale.set()
        self._read_at_s = 0.0
        self._observed = Endpoints()
        self._links: dict[str, Link] = {}
        self._tables: dict[str, nftables.Table] = {}
        region.feed.subscribe((Topic.EC2, Topic.APPLIED), self._stale.set)

    def reconcile(self) -> None:
        """Read what is wanted, if that may have changed, and make it so.

        Raises
        ------
        ExceptionGroup
            When some of it could not be made; the rest was.
        """
        balancing, up = self._balancers.wanted, self._fabric.up
        observed = self._observe(balancing)
        connected = connections(observed.endpoints, balancing, up)
        services = service_connections(observed.endpoints, up)
        failed: list[Exception] = []
        self._link(connected, services, failed)
        tables = wanted_tables(observed, connected, services, self._links)
        self._apply({name: one for name, one in tables.items() if up(name)}, failed)
        self._name(connected, services)
        if failed:
            raise ExceptionGroup("PrivateLink", failed)
        ready = {one.eni.interface_id for one in connected}
        self._tell_states(observed, ready | {one.eni.interface_id for one in services})

    def _observe(self, balancing: Balancing) -> Endpoints:
        if self._stale.is_set() or time.monotonic() - self._read_at_s > TRUSTED_S:
            self._stale.clear()  # before reading: a change from now on is for the next time
            try:
                ec2 = [one("ec2") for one in everybody(self._region.clients)]
                self._observed = describe.observe(ec2, balancing.balancers)
            except Exception:
                self._stale.set()
                raise
            self._read_at_s = time.monotonic()
        return self._observed

    def _link(
        self,
        connected: Iterable[Connection],
        services: Iterable[ServiceConnection],
        failed: list[Exception],
    ) -> None:
        wanted = {
            one.key: (one.eni.interface_id, one.node.interface_id, one.balancer.name)
            for one in connected
        } | {
            one.key: (one.eni.interface_id, INTERNET_NAME, one.endpoint.service) for one in services
        }
        for key in self._links.keys() - wanted.keys():
            log.info("PrivateLink connection %s removed", key)
            self._fabric.unlink(key)
            del self._links[key]
        for key, (near, far, offered) in wanted.items():
            try:
                link = self._fabric.link(near, far, key)
            except (OSError, UnderpassError) as error:
                self._links.pop(key, None)
                failed.append(error)
                continue
            if key not in self._links:
                log.info("PrivateLink: %s reaches %s", near, offered)
            self._links[key] = link

    def _apply(self, tables: dict[str, nftables.Table], failed: list[Exception]) -> None:
        for name in self._tables.keys() - tables.keys():
            del self._tables[name]  # it went with its namespace
        for name, table in tables.items():
            if self._tables.get(name) == table:
                continue
            try:
                self._fabric.apply(name, table)
                self._tables[name] = table
            except OSError as error:
                self._tables.pop(name, None)
                failed.append(error)

    def _name(self, connected: Iterable[Connection], services: Iterable[ServiceConnection]) -> None:
        names, healthy = self._region.names, self._balancers.finds_healthy
        everywhere, private = endpoint_records((*services, *connected), healthy)
        names.set(SOURCE, "*", everywhere)
        for vpc_id in {*names.sources(SOURCE), *private} - {"*"}:
            names.set(SOURCE, vpc_id, private.get(vpc_id, {}))

    def _tell_states(self, observed: Endpoints, ready: set[str]) -> None:
        changed = False
        for endpoint in observed.endpoints:
            interfaces = {eni.interface_id for eni in endpoint.enis}
            if endpoint.state == "pending" and interfaces and interfaces <= ready:
                changed |= endpoints.set_state(endpoint.id, "available", self._region.name)
        if changed:
            self._stale.set()
            self._region.feed.publish(Topic.STATES)
