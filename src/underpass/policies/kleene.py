"""Kleene's logic: true, false, and ``None`` for what cannot be told."""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None


def no(one: Truth) -> Truth:
    """Return the opposite; of what cannot be told it cannot be told either."""
    return None if one is None else not one


def every(many: Iterable[Truth]) -> Truth:
    """Return whether all hold; one that does not decides."""
    result: Truth = True
    for one in many:
        if one is False:
            return False
        if one is None:
            result = None
    return result


def some(many: Iterable[Truth]) -> Truth:
    """Return whether one holds; one that does decides."""
    return no(every(no(one) for one in many))
