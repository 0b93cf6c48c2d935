"""Kleene's logic: what is true, false, or ``None``, which cannot be told."""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None


def every(found: Iterable[Truth]) -> Truth:
    """Return whether all are true; one that is false decides."""
    unknown = False
    for one in found:
        if one is False:
            return False
        unknown = unknown or one is None
    return None if unknown else True


def some(found: Iterable[Truth]) -> Truth:
    """Return whether one is true; one that is decides."""
    unknown = False
    for one in found:
        if one:
            return True
        unknown = unknown or one is None
    return None if unknown else False


def negated(one: Truth) -> Truth:
    """Return the opposite."""
    return None if one is None else not one
