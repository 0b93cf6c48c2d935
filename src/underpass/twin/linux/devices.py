"""Devices, addresses, routes and policy rules, in the current namespace, through pyroute2.

Every pair of namespaces that touch is joined by a veth of its own; addresses are /32 and neighbours are
reached "on link", so no bridge and no subnet mask ever joins what the route tables keep apart. At the
other end of a veth there is one neighbour only: both ends have the same hardware address, and ARP is off.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from underpass.twin.linux import namespaces
from underpass.twin.linux.within import within

_HARDWARE_ADDRESS = "0a:00:00:00:00:01"
_GOING = 1  # the device group of what is about to be removed
_UP, _NO_ARP = 0x1, 0x80  # IFF_UP, IFF_NOARP

GATEWAY = "169.254.0.1"  # every VPC router, as seen from each of its interfaces


@dataclass(frozen=True)
class Route:
    """A route to ``destination`` (CIDR) in ``table``: out of ``device``, via ``gateway`` if given.

    Without a device, packets to it are discarded in silence.
    """

    destination: str
    device: str = ""
    gateway: str = ""
    table: int = 254


@dataclass(frozen=True)
class PolicyRule:
    """Packets from ``source`` (CIDR; empty for all) are routed by ``table``; by no table, discarded."""

    priority: int
    source: str
    table: int


class Devices:
    """The network of one namespace, while a netlink socket is open on it. Made by ``devices``."""

    def __init__(self, netlink: Any) -> None:
        self._netlink = netlink
        self._indexes: dict[str, int] = {}

    def pair(self, device: str, peer: str, peer_namespace: str) -> None:
        """Make a veth pair: ``device`` here, ``peer`` in the namespace at that path; both still down."""
        other = os.open(peer_namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            far = {"ifname": peer, "net_ns_fd": other, "address": _HARDWARE_ADDRESS}
            self._netlink.link(
                "add", ifname=device, kind="veth", address=_HARDWARE_ADDRESS, peer=far
            )
        finally:
            os.close(other)

    def up(self, device: str) -> None:
        """Bring a device up, without ARP (which the loopback has not anyway)."""
        flags = _UP | _NO_ARP
        self._netlink.link("set", index=self._index(device), flags=flags, change=flags)

    def remove(self, *names: str) -> None:
        """Remove devices, and the other ends of pairs; one that is not there is no error.

        They go as a group, because the kernel waits some 15 ms each time it takes devices away.
        """
        found = 0
        for device in names:
            with absent_is_fine():
                self._netlink.link("set", index=self._index(device), group=_GOING)
                found += 1
            self._indexes.pop(device, None)
        if found:
            self._netlink.link("del", group=_GOING)

    def address(self, device: str, address: str, prefix: int = 32) -> None:
        """Give a device an address; having it already is no error."""
        with suppressed(errno.EEXIST):
            self._netlink.addr("add", index=self._index(device), address=address, prefixlen=prefix)

    def no_address(self, device: str, address: str) -> None:
        """Take a /32 address away; one that is not there is no error."""
        with absent_is_fine():
            self._netlink.addr("del", index=self._index(device), address=address, prefixlen=32)

    def route(self, route: Route) -> None:
        """Add a route, in the place of any other to the same destination in its table."""
        self._netlink.route("replace", **self._attributes(route))

    def no_route(self, route: Route) -> None:
        """Remove a route; one that went with its device is no error."""
        with absent_is_fine():
            self._netlink.route("del", **self._attributes(route))

    def rule(self, rule: PolicyRule) -> None:
        """Add a policy rule."""
        self._netlink.rule("add", **_rule(rule))

    def no_rule(self, rule: PolicyRule) -> None:
        """Remove a policy rule; one that is not there is no error."""
        with absent_is_fine():
            self._netlink.rule("del", **_rule(rule))

    def _index(self, device: str) -> int:
        if device not in self._indexes:
            try:
                self._indexes[device] = socket.if_nametoindex(device)
            except OSError as error:  # has no number of its own
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), device) from error
        return self._indexes[device]

    def _attributes(self, route: Route) -> dict[str, Any]:
        attributes: dict[str, Any] = {"dst": route.destination, "table": route.table}
        if not route.device:
            return {**attributes, "type": "blackhole"}
        attributes["oif"] = self._index(route.device)
        if not route.gateway:
            return {**attributes, "scope": 253}  # link
        return {**attributes, "gateway": route.gateway, "flags": ["onlink"]}


def _rule(rule: PolicyRule) -> dict[str, Any]:
    attributes: dict[str, Any] = {"priority": rule.priority}
    if rule.source:
        network, _, length = rule.source.partition("/")
        attributes |= {"src": network, "src_len": int(length)}
    return attributes | ({"table": rule.table} if rule.table else {"action": "FR_ACT_BLACKHOLE"})


@contextmanager
def devices() -> Iterator[Devices]:
    """Open the current namespace's network."""
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        yield Devices(netlink)


def change(name: str, work: Callable[[Devices], None]) -> None:
    """Do ``work`` on the network of the namespace ``name``.

    Raises
    ------
    FileNotFoundError
        When there is no such namespace; and whatever ``work`` raises.
    """

    def run() -> None:
        with devices() as network:
            work(network)

    within(namespaces.path(name), run)


@contextmanager
def suppressed(*numbers: int) -> Iterator[None]:
    """Let the kernel's refusal for one of these reasons pass."""
    from pyroute2 import NetlinkError

    try:
        yield
    except (NetlinkError, OSError) as error:
        number = error.code if isinstance(error, NetlinkError) else error.errno
        if number not in numbers:
            raise


def absent_is_fine() -> AbstractContextManager[None]:
    """Let pass that something, or the device it was on, is gone already."""
    return suppressed(errno.ENODEV, errno.ENXIO, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL)
