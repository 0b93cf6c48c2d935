"""Makes a ``Network`` real: namespaces, devices, routes and firewalls, changing only what differs.

What was made is remembered here as the values it was made from; the next network is compared with those.
An interface's firewall is in place before its device is up, and an interface counts as up only when the
firewalls that refer to its groups know its address.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ParamSpec

from underpass.twin.linux import namespaces, nft_netlink, nftables
from underpass.twin.linux.devices import GATEWAY, Devices, Route, change, devices
from underpass.twin.region.aws_hosts import ADDRESSES
from underpass.twin.services.ec2.gateways import router_table
from underpass.twin.services.ec2.model import ANYWHERE, Interface, Network, Vpc
from underpass.twin.services.ec2.routing import (
    INTERNET_DEVICE,
    INTERNET_NEXT,
    PUBLIC_ADDRESSES,
    Router,
    endpoint_address,
    interface_device,
    internet_routes,
    joins_internet,
    router,
    same_wire,
    vpc_device,
)
from underpass.twin.services.ec2.security_groups import firewalls

P = ParamSpec("P")

INTERNET_NAME = "internet"
_ONCE = 8  # namespaces worked on side by side: a change of rules mostly waits for the kernel
_BARE = Router(frozenset(), frozenset(), frozenset())


class Wiring:
    """The kernel's side of the fabric."""

    def __init__(self) -> None:
        self._vpcs: set[str] = set()
        self._routers: dict[str, Router] = {}
        self._doubtful: set[str] = set()  # VPCs of whose last change the kernel refused a part
        self._router_tables: dict[str, nftables.Table] = {}
        self._interfaces: dict[str, Interface] = {}
        self._firewalls: dict[str, nftables.Table] = {}
        self._internet: frozenset[Route] = frozenset()
        self._with_gateway: set[str] = set()
        self._up: frozenset[str] = frozenset()
        self._errors: list[Exception] = []
        self._lock = threading.Lock()

    @property
    def up(self) -> frozenset[str]:
        """The namespaces that are wired and firewalled."""
        return self._up

    def start(self) -> None:
        """Make the internet: one host, with a way back to public addresses only."""
        guard = Route(PUBLIC_ADDRESSES)

        def work() -> None:
            with devices() as network:
                network.up("lo")
                for address in (*ADDRESSES, INTERNET_NEXT):
                    network.address("lo", address)
                network.route(guard)

        namespaces.create(INTERNET_NAME, work)
        self._internet = frozenset({guard})
        self._up = frozenset({INTERNET_NAME})

    def apply(self, network: Network) -> frozenset[str]:
        """Make ``network`` real and return the names of the namespaces that came or went.

        Raises
        ------
        ExceptionGroup
            When parts of it could not be made; the other parts were, and the next call tries again.
        """
        with self._lock:
            before = self._up
            self._errors = []
            tables = firewalls(network)
            self._remove(network)
            for vpc in network.vpcs:
                if vpc.id not in self._vpcs:
                    self._try(self._add_vpc, vpc)
            for interface in network.interfaces:
                if interface.id in self._interfaces:
                    self._interfaces[interface.id] = interface
                elif interface.vpc_id in self._vpcs:
                    self._try(self._add_interface, interface, tables.get(interface.id))
            wired = replace(network, interfaces=tuple(self._interfaces.values()))
            self._join_internet(wired)
            for vpc in network.vpcs:
                if vpc.id in self._vpcs:
                    self._try(self._route, wired, vpc)
            self._update_firewalls(tables)
            self._try(self._route_internet, wired)
            firewalled = self._interfaces.keys() - set(self._badly_firewalled(tables))
            routed = {vpc_id for vpc_id, made in self._routers.items() if made != _BARE}
            self._up = frozenset({INTERNET_NAME, *routed, *firewalled})
            if self._errors:
                raise ExceptionGroup("parts of the network could not be made", self._errors)
            return before ^ self._up

    def _remove(self, network: Network) -> None:
        interfaces = {interface.id: interface for interface in network.interfaces}
        going: dict[str, list[Interface]] = defaultdict(list)
        for old in self._interfaces.values():
            new = interfaces.get(old.id)
            if new is None or not same_wire(old, new):
                going[old.vpc_id].append(old)
        for vpc_id, gone_interfaces in going.items():
            self._try(self._remove_interfaces, vpc_id, gone_interfaces)
        for gone in self._vpcs - {vpc.id for vpc in network.vpcs}:
            self._try(self._remove_vpc, gone)

    # Interfaces

    def _remove_interfaces(self, vpc_id: str, interfaces: Sequence[Interface]) -> None:
        names = [interface_device(interface.id) for interface in interfaces]
        change(vpc_id, lambda router: router.remove(*names))
        for interface in interfaces:
            namespaces.delete(interface.id)
            del self._interfaces[interface.id]
            self._firewalls.pop(interface.id, None)

    def _add_interface(self, interface: Interface, table: nftables.Table | None) -> None:
        def work() -> None:
            if table:
                nft_netlink.install(table)
            with devices() as own:
                own.up("lo")
                own.pair("eth0", interface_device(interface.id), namespaces.path(interface.vpc_id))
                own.address("eth0", interface.address)
                own.up("eth0")
                own.route(Route(f"{GATEWAY}/32", "eth0"))
                own.route(Route(ANYWHERE, "eth0", GATEWAY))

        namespaces.create(interface.id, work)
        self._interfaces[interface.id] = interface
        if table:
            self._firewalls[interface.id] = table

    def _badly_firewalled(self, tables: Mapping[str, nftables.Table]) -> list[str]:
        return [own for own in self._interfaces if self._firewalls.get(own) != tables.get(own)]

    def _update_firewalls(self, tables: Mapping[str, nftables.Table]) -> None:
        changed = self._badly_firewalled(tables)

        def update(interface_id: str) -> None:
            table = tables.get(interface_id)
            if table:
                nft_netlink.apply(namespaces.path(interface_id), table)
                self._firewalls[interface_id] = table
            else:
                nft_netlink.remove(
                    namespaces.path(interface_id), self._firewalls.pop(interface_id).name
                )

        if changed:
            with ThreadPoolExecutor(_ONCE) as pool:
                list(pool.map(lambda changed_id: self._try(update, changed_id), changed))

    # VPCs

    def _remove_vpc(self, vpc_id: str) -> None:
        self._remove_interfaces(
            vpc_id, [i for i in self._interfaces.values() if i.vpc_id == vpc_id]
        )
        if vpc_id in self._with_gateway:
            self._part(vpc_id)
        self._vpcs.discard(vpc_id)
        self._routers.pop(vpc_id, None)
        self._router_tables.pop(vpc_id, None)
        namespaces.delete(vpc_id)

    def _add_vpc(self, vpc: Vpc) -> None:
        def work() -> None:
            with devices() as own:
                own.up("lo")

        namespaces.create(vpc.id, work, reverse_path_filter=True)
        self._vpcs.add(vpc.id)
        self._routers[vpc.id] = _BARE

    def _route(self, network: Network, vpc: Vpc) -> None:
        table = router_table(network, vpc)
        if self._router_tables.get(vpc.id) != table:
            nft_netlink.apply(namespaces.path(vpc.id), table)
            self._router_tables[vpc.id] = table
        old, new = self._routers[vpc.id], router(network, vpc)
        sure = _BARE if vpc.id in self._doubtful else old
        if old != new or sure != old:
            self._routers[vpc.id] = Router(
                old.addresses | new.addresses, old.routes | new.routes, old.rules | new.rules
            )
            self._doubtful.add(vpc.id)
            change(vpc.id, lambda own: _reconfigure(own, old, new, sure))
            self._routers[vpc.id] = new
            self._doubtful.discard(vpc.id)

    # The internet

    def _join_internet(self, network: Network) -> None:
        wanted = {vpc_id for vpc_id in self._vpcs if joins_internet(network, vpc_id)}
        for vpc_id in self._with_gateway - wanted:
            self._try(self._part, vpc_id)
        for vpc_id in wanted - self._with_gateway:
            self._try(self._join, vpc_id)

    def _part(self, vpc_id: str) -> None:
        change(INTERNET_NAME, lambda internet: internet.remove(vpc_device(vpc_id)))
        self._with_gateway.remove(vpc_id)

    def _join(self, vpc_id: str) -> None:
        def work(own: Devices) -> None:
            own.pair(INTERNET_DEVICE, vpc_device(vpc_id), namespaces.path(INTERNET_NAME))
            own.address(INTERNET_DEVICE, endpoint_address(vpc_id))
            own.up(INTERNET_DEVICE)

        change(vpc_id, work)
        change(INTERNET_NAME, lambda internet: internet.up(vpc_device(vpc_id)))
        self._with_gateway.add(vpc_id)

    def _route_internet(self, network: Network) -> None:
        routes = internet_routes(network)
        if routes != self._internet:
            change(INTERNET_NAME, lambda net: _reroute(net, self._internet, routes, self._internet))
            self._internet = routes

    # Going on when a part fails

    def _try(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  raised by apply, with the others
            self._errors.append(error)


def _reconfigure(own: Devices, old: Router, new: Router, sure: Router) -> None:
    """Take away what may be there of ``old``, and add what is not there for ``sure``."""
    for address in old.addresses - new.addresses:
        own.no_address("lo", address)
    for address in new.addresses - sure.addresses:
        own.address("lo", address)
    _reroute(own, old.routes, new.routes, sure.routes)
    for rule in new.rules - sure.rules:
        own.rule(rule)
    for rule in old.rules - new.rules:
        own.no_rule(rule)


def _reroute(
    own: Devices, old: frozenset[Route], new: frozenset[Route], sure: frozenset[Route]
) -> None:
    kept = {(route.table, route.destination) for route in new}
    for route in old - new:
        if (route.table, route.destination) not in kept:  # else it is replaced below
            own.no_route(route)
    added = new - sure
    for device in {route.device for route in added if route.device}:
        own.up(device)
    for route in added:
        own.route(route)
