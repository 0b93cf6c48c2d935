"""Devices, addresses, routes and policy rules, in the current namespace, through rtnetlink.

Every pair of namespaces that touch is joined by a veth of its own; addresses are /32 and neighbours are
reached "on link", so no bridge and no subnet mask ever joins what the route tables keep apart. At the
other end of a veth there is one neighbour only: both ends have the same hardware address, and ARP is off.

What is asked for is written in one batch: each system call gives the interpreter up, and a thread that only
computes gives it back after Python's switch interval; wired call by call, an interface took a quarter of a
second beside such a thread. Written against ``linux/rtnetlink.h``, ``if_link.h``, ``if_addr.h`` and
``fib_rules.h``.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface

from underpass.twin.linux import namespaces
from underpass.twin.linux.netlink import (
    ACK,
    CREATE,
    EXCLUSIVE,
    REPLACE,
    answers,
    attribute,
    message,
    nest,
    text,
)
from underpass.twin.linux.within import within

_HARDWARE_ADDRESS = bytes.fromhex("0a0000000001")
_AT_ONCE = 200  # the kernel keeps no more than some 270 refusals for who asked
_GOING = 1  # the device group of what is about to be removed
_UP, _NO_ARP = 0x1, 0x80  # IFF_UP, IFF_NOARP

_NEW_LINK, _DELETE_LINK, _SET_LINK, _NEW_ADDRESS, _DELETE_ADDRESS = 16, 17, 19, 20, 21  # RTM_...
_NEW_ROUTE, _DELETE_ROUTE, _NEW_RULE, _DELETE_RULE = 24, 25, 32, 33
_LINK_ADDRESS, _LINK_NAME, _LINK_INFO, _LINK_GROUP, _LINK_NAMESPACE = 1, 3, 18, 27, 28  # IFLA_...
_INFO_KIND, _INFO_DATA, _PEER = 1, 2, 1  # IFLA_INFO_..., VETH_INFO_PEER
_DESTINATION, _OUT_OF, _GATEWAY, _TABLE = 1, 4, 5, 15  # RTA_...
_SOURCE, _PRIORITY = 2, 6  # FRA_...; a table is told as with a route
_STATIC, _LINK_SCOPE, _ON_LINK = 4, 253, 4  # RTPROT_STATIC, RT_SCOPE_LINK, RTNH_F_ONLINK
_BY_TABLE, _BLACKHOLE = 1, 6  # RTN_UNICAST and FR_ACT_TO_TBL, RTN_BLACKHOLE and FR_ACT_BLACKHOLE
_ABSENT = {errno.ENODEV, errno.ENXIO, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL}

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

    def __init__(self, netlink: socket.socket) -> None:
        self._netlink = netlink
        self._asked: list[tuple[int, int, bytes, frozenset[int]]] = []  # the last: what is no error
        self._indexes: dict[str, int] = {}

    def flush(self) -> None:
        """Have the kernel do what was asked for so far.

        Raises
        ------
        OSError
            Its reason, when it did not do one of them; it did the others.
        """
        asked, self._asked = self._asked, []
        last = len(asked)
        batch = [
            message(kind, flags | (ACK if number == last else 0), number, body)
            for number, (kind, flags, body, _) in enumerate(asked, 1)
        ]
        if not batch:
            return
        self._netlink.send(b"".join(batch))
        for number, error in list(answers(self._netlink, last)):
            if error and error not in asked[number - 1][-1]:
                raise OSError(error, os.strerror(error), f"rtnetlink message {number} of {last}")

    def pair(self, device: str, peer: str, peer_namespace: str) -> None:
        """Make a veth pair: ``device`` here, ``peer`` in the namespace at that path; both still down."""
        other = os.open(peer_namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            far = _end(peer) + attribute(_LINK_NAMESPACE, struct.pack("=i", other))
            kind = text(_INFO_KIND, "veth") + nest(_INFO_DATA, nest(_PEER, _link() + far))
            body = _link() + _end(device) + nest(_LINK_INFO, kind)
            self._ask(_NEW_LINK, CREATE | EXCLUSIVE, body)
            self.flush()
        finally:
            os.close(other)

    def up(self, device: str) -> None:
        """Bring a device up, without ARP (which the loopback has not anyway)."""
        self._ask(_SET_LINK, 0, _link(self._index(device), _UP | _NO_ARP))

    def remove(self, *names: str) -> None:
        """Remove devices, and the other ends of pairs; one that is not there is no error.

        They go as a group, because the kernel waits some 15 ms each time it takes devices away.
        """
        group = attribute(_LINK_GROUP, struct.pack("=I", _GOING))
        for index in filter(None, map(self._find, names)):
            self._ask(_SET_LINK, 0, _link(index) + group, _ABSENT)
        self._ask(_DELETE_LINK, 0, _link() + group, _ABSENT)
        self.flush()
        self._indexes.clear()

    def address(self, device: str, address: str, prefix: int = 32) -> None:
        """Give a device an address; having it already is no error."""
        body = _address(self._index(device), address, prefix)
        self._ask(_NEW_ADDRESS, CREATE | EXCLUSIVE, body, {errno.EEXIST})

    def no_address(self, device: str, address: str) -> None:
        """Take a /32 address away; one that is not there is no error."""
        if index := self._find(device):
            self._ask(_DELETE_ADDRESS, 0, _address(index, address, 32), _ABSENT)

    def route(self, route: Route) -> None:
        """Add a route, in the place of any other to the same destination in its table."""
        self._ask(_NEW_ROUTE, CREATE | REPLACE, _route(route, self._out_of(route)))

    def no_route(self, route: Route) -> None:
        """Remove a route; one that went with its device is no error."""
        if not route.device or self._find(route.device):
            self._ask(_DELETE_ROUTE, 0, _route(route, self._out_of(route)), _ABSENT)

    def rule(self, rule: PolicyRule) -> None:
        """Add a policy rule; having it already is no error."""
        self._ask(_NEW_RULE, CREATE | EXCLUSIVE, _rule(rule), {errno.EEXIST})

    def no_rule(self, rule: PolicyRule) -> None:
        """Remove a policy rule; one that is not there is no error."""
        self._ask(_DELETE_RULE, 0, _rule(rule), _ABSENT)

    def _ask(self, kind: int, flags: int, body: bytes, fine: Collection[int] = ()) -> None:
        self._asked.append((kind, flags, body, frozenset(fine)))
        if len(self._asked) == _AT_ONCE:
            self.flush()

    def _out_of(self, route: Route) -> int:
        return self._index(route.device) if route.device else 0

    def _index(self, device: str) -> int:
        index = self._find(device)
        if not index:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), device)
        return index

    def _find(self, device: str) -> int:
        """Return a device's number; 0 when it is not there."""
        if device not in self._indexes:
            try:
                self._indexes[device] = socket.if_nametoindex(device)
            except OSError:
                return 0
        return self._indexes[device]


def _link(index: int = 0, flags: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, flags)


def _end(device: str) -> bytes:
    return text(_LINK_NAME, device) + attribute(_LINK_ADDRESS, _HARDWARE_ADDRESS)


def _address(index: int, address: str, prefix: int) -> bytes:
    packed = socket.inet_aton(address)
    told = attribute(1, packed) + attribute(2, packed)  # IFA_ADDRESS, IFA_LOCAL
    return struct.pack("=BBBBI", socket.AF_INET, prefix, 0, 0, index) + told


def _route(route: Route, out_of: int) -> bytes:
    to = IPv4Interface(route.destination)
    scope = _LINK_SCOPE if out_of and not route.gateway else 0
    kind, flags = (_BY_TABLE if out_of else _BLACKHOLE), (_ON_LINK if route.gateway else 0)
    told = attribute(_DESTINATION, to.ip.packed) + _word(_TABLE, route.table)
    if out_of:
        told += _word(_OUT_OF, out_of)
    if route.gateway:
        told += attribute(_GATEWAY, socket.inet_aton(route.gateway))
    return _header(to.network.prefixlen, 0, (_STATIC, scope, kind), flags) + told


def _rule(rule: PolicyRule) -> bytes:
    told, length = _word(_PRIORITY, rule.priority), 0
    if rule.source:
        source = IPv4Interface(rule.source)
        told, length = told + attribute(_SOURCE, source.ip.packed), source.network.prefixlen
    if rule.table:
        told += _word(_TABLE, rule.table)
    return _header(0, length, (0, 0, _BY_TABLE if rule.table else _BLACKHOLE), 0) + told


def _header(to: int, source: int, last: tuple[int, int, int], flags: int) -> bytes:
    """Return the start of a route or a rule: lengths of its blocks, what it is; its table is told apart."""
    return struct.pack("=BBBBBBBBI", socket.AF_INET, to, source, 0, 0, *last, flags)


def _word(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


@contextmanager
def devices() -> Iterator[Devices]:
    """Open the current namespace's network; what was asked for is done when the block ends."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, 0))
        network = Devices(netlink)
        yield network
        network.flush()


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
