"""What a resource type is to the engine: how one comes, changes and goes, and what a change is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underpass.twin.region.context import Region

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Physical:
    """A resource that exists: what ``Ref`` answers, and what ``Fn::GetAtt`` answers by name."""

    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogicalResource:
    """Where a resource stands in a stack, for names AWS would generate and for messages."""

    stack_name: str
    stack_id: str
    logical_id: str
    generation: int = (
        0  # how many the stack made of this logical id before: a replacement's name differs
    )

    def tags(self) -> list[dict[str, str]]:
        """Return the tags CloudFormation gives what it makes; data folders are known again by them."""
        named = {
            "stack-name": self.stack_name,
            "stack-id": self.stack_id,
            "logical-id": self.logical_id,
        }
        return [
            {"Key": f"aws:cloudformation:{key}", "Value": value} for key, value in named.items()
        ]

    def generated_name(self, limit: int = 64, *, lower: bool = False) -> str:
        """Return ``stack-logical-suffix`` as CloudFormation names things, the same for one resource."""
        import hashlib

        suffix = hashlib.sha256(
            f"{self.stack_id}/{self.logical_id}/{self.generation}".encode()
        ).hexdigest()[:12]
        name = f"{self.stack_name}-{self.logical_id}"[: limit - 13] + f"-{suffix}"
        return name.lower() if lower else name


class ProvisionError(Exception):
    """A resource could not be created, updated or deleted; the message becomes the stack event's reason."""


class ResourceType:
    """Creates, updates and deletes one resource type through its service's own API.

    Subclasses set the attributes and implement the three methods. A property in neither ``honoured``
    nor ``inert`` fails the change set by name, so that the twin never quietly runs something else than AWS
    would. ``create`` and ``update`` return only when the resource is usable, as CloudFormation's do; a
    ``create`` that raises leaves nothing behind, for nobody else knows what it had begun.
    """

    type: str
    honoured: frozenset[str] = frozenset()
    """Properties that take effect on the twin."""
    inert: frozenset[str] = frozenset({"Tags"})
    """Properties that change nothing a twin could show."""
    replaces: frozenset[str] = frozenset()
    """Honoured properties whose change makes a new resource (AWS: "Update requires: Replacement")."""

    def __init__(self, region: Region) -> None:
        self.region = region

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the resource and return it once it is usable."""
        raise NotImplementedError

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the resource in place; only called when no property in ``replaces`` differs."""
        raise ProvisionError(f"{self.type} cannot be updated in place on the twin")

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Remove the resource; one that is already gone is not an error."""
        raise NotImplementedError


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
