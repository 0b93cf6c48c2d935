"""Point-to-point links between two namespaces, for PrivateLink: what joins VPCs that share no route.

Each is a veth with a /30 of 169.254.100.0/22, whose two addresses are the only ones it carries.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from ipaddress import IPv4Network

from underpass.errors import UnderpassError
from underpass.twin.linux import namespaces
from underpass.twin.linux.devices import Devices, change

SPACE = IPv4Network("169.254.100.0/22")
_PREFIX = 30
_MOST = 1 << (_PREFIX - SPACE.prefixlen)


@dataclass(frozen=True)
class Link:
    """A link between the namespaces ``a`` and ``b``: device and address at each end."""

    a: str
    b: str
    a_device: str
    a_address: str
    b_device: str
    b_address: str


class Links:
    """The links there are, by a key of their owner's choosing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}
        self._numbers: dict[str, int] = {}

    def link(self, a: str, b: str, key: str) -> Link:
        """Return the link ``key`` between ``a`` and ``b``, making it if it is not there.

        Raises
        ------
        OSError
            When one of the namespaces is not there.
        UnderpassError
            When there is no room for another.
        """
        with self._lock:
            known = self._links.get(key)
            if known and (known.a, known.b) == (a, b):
                return known
            self._remove(key)
            number = next(n for n in range(_MOST + 1) if n not in self._numbers.values())
            if number == _MOST:
                raise UnderpassError(
                    "the twin has no room for another PrivateLink connection",
                    f"there are {_MOST} already",
                    "remove some of the [[consumers]]",
                )
            made = _numbered(a, b, number)
            _make(made)
            self._links[key], self._numbers[key] = made, number
            return made

    def unlink(self, key: str) -> None:
        """Remove a link; one that is not there is no error."""
        with self._lock:
            self._remove(key)

    def forget(self, name: str) -> None:
        """Remove the links of a namespace that is going, or gone."""
        with self._lock:
            for key, link in tuple(self._links.items()):
                if name in {link.a, link.b}:
                    self._remove(key)

    def _remove(self, key: str) -> None:
        self._numbers.pop(key, None)
        link = self._links.pop(key, None)
        if link is None:
            return
        for name, device in ((link.a, link.a_device), (link.b, link.b_device)):
            try:
                _remove_device(name, device)
            except FileNotFoundError:
                continue  # the namespace went, and its device with it
            return


def _numbered(a: str, b: str, number: int) -> Link:
    base = SPACE.network_address + (number << (32 - _PREFIX))
    device = f"link{number}"
    return Link(a, b, device, str(base + 1), device, str(base + 2))


def _make(link: Link) -> None:
    def first(end: Devices) -> None:
        end.pair(link.a_device, link.b_device, namespaces.path(link.b))
        end.address(link.a_device, link.a_address, _PREFIX)
        end.up(link.a_device)

    def second(end: Devices) -> None:
        end.address(link.b_device, link.b_address, _PREFIX)
        end.up(link.b_device)

    change(link.a, first)
    try:
        change(link.b, second)
    except Exception:
        _remove_device(link.a, link.a_device)
        raise


def _remove_device(name: str, device: str) -> None:
    change(name, lambda end: end.remove(device))
