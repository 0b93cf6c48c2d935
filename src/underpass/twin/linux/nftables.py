"""nftables as values: a whole table, written down once, compared and printed like any other value.

``nft_netlink.apply`` puts one into a network namespace.

Priorities that matter here: conntrack runs at -200, destination NAT at -100, source NAT at 100. Interfaces'
firewalls (``firewall``) filter at -150: after conntrack knows the flow, before NAT changes its addresses.

Example
-------
>>> web = Map("web", (("10.20.2.5", 8000), ("10.20.2.6", 8000)))
>>> table = Table(
...     "balancer",
...     maps=(web,),
...     chains=(
...         Chain("in", "prerouting", -100, (rule(tcp_dport(80), dnat_by(web)),), type="nat"),
...         Chain("out", "postrouting", 100, (rule(oifname("eth0"), masquerade()),), type="nat"),
...     ),
... )
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Literal, TypeAlias

Span: TypeAlias = tuple[int, int]  # both ends included

TCP, UDP, ICMP = 6, 17, 1
NEW, ESTABLISHED, RELATED = 8, 2, 4  # ct state bits
DESTINATION_NAT = 1 << 5  # the ct status bit of a flow whose destination was translated


class Field(StrEnum):
    """What of a packet a rule can look at."""

    IIFNAME = "iifname"
    OIFNAME = "oifname"
    L4PROTO = "l4proto"
    SADDR = "ip saddr"
    DADDR = "ip daddr"
    SPORT = "sport"
    DPORT = "dport"
    ICMP_TYPE = "icmp type"
    ICMP_CODE = "icmp code"
    CT_STATE = "ct state"
    CT_STATUS = "ct status"


@dataclass(frozen=True)
class Match:
    """The field lies in ``span`` (numbers: addresses and ports too); ``negated``: outside it."""

    field: Field
    span: Span
    negated: bool = False


@dataclass(frozen=True)
class MatchName:
    """The name of the device a packet came in by or goes out of."""

    field: Field
    name: str
    negated: bool = False


@dataclass(frozen=True)
class MatchBits:
    """At least one bit of ``mask`` is set in the field; ``negated``: none is."""

    field: Field
    mask: int
    negated: bool = False


@dataclass(frozen=True)
class MatchSet:
    """The field is in the table's set of that name."""

    field: Field
    set: str
    negated: bool = False


@dataclass(frozen=True)
class Verdict:
    """Ends a rule and decides."""

    kind: Literal["accept", "drop"]


@dataclass(frozen=True)
class Reject:
    """Refuses and says so: with a TCP reset, or else with ICMP port unreachable."""

    tcp_reset: bool = False


@dataclass(frozen=True)
class Translate:
    """NAT to a constant address, and port unless 0: of the source or of the destination."""

    which: Literal["source", "destination"]
    address: str
    port: int = 0


@dataclass(frozen=True)
class Spread:
    """Destination NAT to one of a map's targets, by a hash of the source's address and port."""

    map: str
    count: int
    seed: int = 0


@dataclass(frozen=True)
class Masquerade:
    """Source NAT to the address of the device the packet leaves by."""


Expression: TypeAlias = (
    Match | MatchName | MatchBits | MatchSet | Verdict | Reject | Translate | Spread | Masquerade
)
Rule: TypeAlias = tuple[Expression, ...]


@dataclass(frozen=True)
class Set:
    """A named set of addresses or ports: disjoint spans, in order. Made by ``addresses`` and ``ports``."""

    name: str
    type: Literal["address", "port"]
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Map:
    """Targets by number, from 0 up, for ``dnat_by``: (address, port)."""

    name: str
    targets: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Chain:
    """Rules in order, gone through at a hook."""

    name: str
    hook: Literal["prerouting", "input", "forward", "output", "postrouting"]
    priority: int
    rules: tuple[Rule, ...] = ()
    policy: Literal["accept", "drop"] = "accept"
    type: Literal["filter", "nat", "route"] = "filter"


@dataclass(frozen=True)
class Table:
    """A whole table of the ``ip`` family."""

    name: str
    sets: tuple[Set, ...] = ()
    maps: tuple[Map, ...] = ()
    chains: tuple[Chain, ...] = ()


# Sets


def addresses(name: str, cidrs: Iterable[str]) -> Set:
    """Return a set of addresses and CIDR blocks, which may overlap."""
    return Set(name, "address", _disjoint(_address_span(cidr) for cidr in cidrs))


def ports(name: str, spans: Iterable[int | Span]) -> Set:
    """Return a set of ports and port ranges, which may overlap."""
    return Set(name, "port", _disjoint(_span(span) for span in spans))


def _disjoint(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _address_span(cidr: str) -> Span:
    block = IPv4Network(cidr, strict=False)
    return int(block.network_address), int(block.broadcast_address)


def _span(value: int | Span) -> Span:
    return (value, value) if isinstance(value, int) else value


# Rules


def rule(*parts: Expression | Rule) -> Rule:
    """Join expressions into a rule: all matches must hold, then the statements run."""
    joined: list[Expression] = []
    for part in parts:
        joined.extend(part if isinstance(part, tuple) else (part,))
    return tuple(joined)


def iifname(name: str, *, negated: bool = False) -> Expression:
    """Came in by this device."""
    return MatchName(Field.IIFNAME, name, negated)


def oifname(name: str, *, negated: bool = False) -> Expression:
    """Goes out of this device."""
    return MatchName(Field.OIFNAME, name, negated)


def saddr(where: str | Set, *, negated: bool = False) -> Expression:
    """Comes from an address, a CIDR block, or a set."""
    return _address(Field.SADDR, where, negated=negated)


def daddr(where: str | Set, *, negated: bool = False) -> Expression:
    """Goes to an address, a CIDR block, or a set."""
    return _address(Field.DADDR, where, negated=negated)


def _address(field: Field, where: str | Set, *, negated: bool) -> Expression:
    if isinstance(where, Set):
        return MatchSet(field, where.name, negated)
    return Match(field, _address_span(where), negated)


def l4proto(number: int) -> Expression:
    """Is of this protocol: ``TCP``, ``UDP``, ``ICMP`` or another number."""
    return Match(Field.L4PROTO, (number, number))


def tcp_dport(where: int | Span | Set) -> Rule:
    """Goes to a TCP port, a range, or a set of them."""
    return l4proto(TCP), _port(Field.DPORT, where)


def udp_dport(where: int | Span | Set) -> Rule:
    """Goes to a UDP port, a range, or a set of them."""
    return l4proto(UDP), _port(Field.DPORT, where)


def _port(field: Field, where: int | Span | Set) -> Expression:
    return MatchSet(field, where.name) if isinstance(where, Set) else Match(field, _span(where))


def icmp(type: int | None = None) -> Rule:  # noqa: A002  ICMP's own word
    """Is ICMP, of this type if one is given."""
    return (
        (l4proto(ICMP),) if type is None else (l4proto(ICMP), Match(Field.ICMP_TYPE, (type, type)))
    )


def icmp_code(code: int) -> Expression:
    """Has this ICMP code; to be used after ``icmp``."""
    return Match(Field.ICMP_CODE, (code, code))


def ct_state(*states: int) -> Expression:
    """Belongs to a flow in one of these states: ``NEW``, ``ESTABLISHED``, ``RELATED``."""
    return MatchBits(Field.CT_STATE, sum(set(states)))


def ct_status(mask: int, *, negated: bool = False) -> Expression:
    """Belongs to a flow with this status: ``DESTINATION_NAT``."""
    return MatchBits(Field.CT_STATUS, mask, negated)


# Statements


def accept() -> Expression:
    """Let it pass this chain's hook."""
    return Verdict("accept")


def drop() -> Expression:
    """Discard it silently, as AWS's security groups do."""
    return Verdict("drop")


def reject(*, tcp_reset: bool = False) -> Expression:
    """Refuse it and tell the sender."""
    return Reject(tcp_reset)


def dnat(address: str, port: int = 0) -> Expression:
    """Send the flow to this address, and port unless 0 (in a ``nat`` chain at prerouting or output)."""
    return Translate("destination", address, port)


def dnat_by(targets: Map, seed: int = 0) -> Expression:
    """Send the flow to one of the map's targets, chosen by its source address and port (TCP and UDP)."""
    return Spread(targets.name, len(targets.targets), seed)


def snat(address: str, port: int = 0) -> Expression:
    """Make the flow come from this address (in a ``nat`` chain at postrouting)."""
    return Translate("source", address, port)


def masquerade() -> Expression:
    """Make the flow come from the address of the device it leaves by."""
    return Masquerade()
