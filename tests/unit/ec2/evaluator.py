"""What the kernel does with a table, said once more in Python: the oracle for tables of filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from underpass.twin.linux import nftables

Outcome = Literal["accept", "drop"]


@dataclass(frozen=True)
class Packet:
    """A packet at a hook."""

    fields: Mapping[nftables.Field, int]
    iifname: str = ""
    oifname: str = ""


def evaluate(table: nftables.Table, hook: str, packet: Packet) -> Outcome:
    """Return what the base chains of ``hook`` decide, in order of priority."""
    sets = {named.name: named for named in table.sets}
    for base in sorted((c for c in table.chains if c.hook == hook), key=lambda c: c.priority):
        verdict = _run(base, sets, packet)
        if (verdict or base.policy) == "drop":
            return "drop"
    return "accept"


def _run(
    chain: nftables.Chain,
    sets: Mapping[str, nftables.Set],
    packet: Packet,
) -> str | None:
    for rule in chain.rules:
        for expression in rule:
            if isinstance(expression, nftables.Verdict):
                return expression.kind
            if isinstance(expression, nftables.Reject):
                return "drop"
            if not _holds(expression, sets, packet):
                break
    return None


def _holds(
    expression: nftables.Expression, sets: Mapping[str, nftables.Set], packet: Packet
) -> bool:
    match expression:
        case nftables.MatchName(field, name, negated):
            seen = packet.iifname if field is nftables.Field.IIFNAME else packet.oifname
            return (seen == name) != negated
        case nftables.Match(field, (low, high), negated):
            value = packet.fields.get(field)
            return value is not None and (low <= value <= high) != negated
        case nftables.MatchBits(field, mask, negated):
            return bool(packet.fields.get(field, 0) & mask) != negated
        case nftables.MatchSet(field, name, negated):
            value = packet.fields[field]
            return any(low <= value <= high for low, high in sets[name].spans) != negated
    raise AssertionError(f"not a filter's expression: {expression}")
