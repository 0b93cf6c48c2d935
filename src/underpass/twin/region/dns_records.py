"""Every DNS record of the region, by who says so and for which VPC; and how a name is looked up in one.

A value is an IPv4 address, or another name (a CNAME). Names are compared in lower case without the final
dot; ``*.zone`` answers for what has no record of its own. Nothing is ever asked of the host's resolver.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from underpass.twin.region import aws_hosts

EVERYWHERE = "*"
_LONGEST_CHAIN = 8

Records = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Answer:
    """What a VPC's resolver says of a name.

    Attributes
    ----------
    exists
        Whether there is such a name; it may still have no address.
    chain
        The CNAMEs that were followed: (name, what it stands for).
    owner
        The name at the end of the chain, which has the addresses.
    addresses
        IPv4 addresses.
    """

    exists: bool = False
    chain: tuple[tuple[str, str], ...] = ()
    owner: str = ""
    addresses: tuple[str, ...] = ()


@dataclass
class _Source:
    vpc_id: str
    records: dict[str, tuple[str, ...]]
    zones: tuple[str, ...] = field(default=())


class Names:
    """The region's records. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: dict[tuple[str, str], _Source] = {}

    def set(self, source: str, vpc_id: str, records: Records, zones: tuple[str, ...] = ()) -> None:
        """Replace all records of ``source`` for one VPC (``"*"``: for every VPC).

        ``zones`` are the domains it answers for alone: a name below one that it lacks does not exist.
        """
        clean = {_clean(name): tuple(values) for name, values in records.items()}
        with self._lock:
            if clean or zones:
                owned = tuple(_clean(zone) for zone in zones)
                self._sources[source, vpc_id] = _Source(vpc_id, clean, owned)
            else:
                self._sources.pop((source, vpc_id), None)

    def sources(self, source: str) -> tuple[str, ...]:
        """Return the VPCs for which ``source`` has set records."""
        with self._lock:
            return tuple(vpc_id for name, vpc_id in self._sources if name == source)

    def lookup(self, vpc_id: str, name: str) -> tuple[str, ...]:
        """Return the addresses of ``name`` as that VPC sees it; none when it does not exist."""
        return self.answer(vpc_id, name).addresses

    def answer(self, vpc_id: str, name: str) -> Answer:
        """Look ``name`` up as that VPC sees it, following CNAMEs."""
        wanted = _clean(name)
        chain: list[tuple[str, str]] = []
        with self._lock:
            while len(chain) < _LONGEST_CHAIN:
                values = self._values(vpc_id, wanted)
                if values is None:
                    return Answer(exists=bool(chain), chain=tuple(chain), owner=wanted)
                alias = next((value for value in values if not _is_address(value)), None)
                if alias is None:
                    return Answer(True, tuple(chain), wanted, values)
                chain.append((wanted, _clean(alias)))
                wanted = _clean(alias)
        return Answer(exists=True, chain=tuple(chain), owner=wanted)

    def _values(self, vpc_id: str, name: str) -> tuple[str, ...] | None:
        """Return the values of ``name``, or None when it does not exist."""
        own = [source for source in self._sources.values() if source.vpc_id == vpc_id]
        common = [source for source in self._sources.values() if source.vpc_id == EVERYWHERE]
        zones = [zone for source in own for zone in source.zones if _below(name, zone)]
        if zones:
            closest = max(zones, key=len)
            own = [source for source in own if closest in source.zones]
            common = []
        for candidate in _candidates(name, max(zones, key=len, default="")):
            found = [s.records[candidate] for s in (*own, *common) if candidate in s.records]
            if found:
                return tuple(dict.fromkeys(value for values in found for value in values))
        if zones:
            return () if max(zones, key=len) == name else None
        api = aws_hosts.named(name)
        return (api,) if api else None


def _candidates(name: str, zone: str) -> Iterator[str]:
    """Yield the record names that answer for ``name``: itself, then wildcards from the nearest outwards."""
    yield name
    while "." in name and name != zone:
        name = name.partition(".")[2]
        yield f"*.{name}"


def _below(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def _is_address(value: str) -> bool:
    return value.replace(".", "").isdigit()


def _clean(name: str) -> str:
    return name.rstrip(".").lower().replace("\\052", "*")
