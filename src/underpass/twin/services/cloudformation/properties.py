"""What differs between a resource's properties before and after, and what of them is asked for."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource_type import Properties, ProvisionError


def names(text: str) -> frozenset[str]:
    """Return the names in ``text``, which are separated by blanks."""
    return frozenset(text.split())


def changed(old: Properties, new: Properties, properties: str) -> bool:
    """Tell whether any of ``properties`` (separated by blanks) differs."""
    return any(old.get(name) != new.get(name) for name in properties.split())


def differ(old: Properties, new: Properties, name: str) -> tuple[list[Any], list[Any]]:
    """Return what went from the list ``name``, and what came into it."""
    before, after = old.get(name) or [], new.get(name) or []
    return [x for x in before if x not in after], [x for x in after if x not in before]


def added_and_removed(old: Properties, new: Properties, *lists: str) -> dict[str, Any]:
    """Return what changed in ``lists`` as EC2's modify actions take it: ``Add...``, ``Remove...``."""
    changes: dict[str, Any] = {}
    for name in lists:
        gone, come = differ(old, new, name)
        changes |= {f"Add{name}": come or None, f"Remove{name}": gone or None}
    return changes


def without(properties: Properties, left_out: str) -> dict[str, Any]:
    """Return ``properties`` but for those of ``left_out`` (separated by blanks)."""
    return {key: value for key, value in properties.items() if key not in left_out.split()}


def only(properties: Properties, name: str, allowed: str) -> None:
    """Refuse a property with any value the twin cannot give effect to."""
    value = properties.get(name, allowed)
    if value not in (allowed, [allowed]):
        raise ProvisionError(f"{name} {value} is not available on the twin, only {allowed}")
