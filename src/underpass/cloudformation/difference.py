"""What would change if a template were applied to what runs: the content of a change set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from underpass.cloudformation.errors import TemplateError
from underpass.cloudformation.intrinsics import Unknown, unknowns

Action = Literal["Add", "Import", "Modify", "Remove"]
Replacement = Literal["True", "False", "Conditional"]
_ABSENT = object()


@dataclass(frozen=True)
class Existing:
    """A resource that runs: its properties as last applied, and what stands beside them."""

    type: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Resource attributes by name: Metadata, DeletionPolicy, UpdateReplacePolicy."""


@dataclass(frozen=True)
class PropertyChange:
    """One property that differs.

    Attributes
    ----------
    before, after
        The values, ``None`` where there is none; ``after`` may hold ``Unknown``.
    recreates
        Whether a change of this property makes a new resource.
    causes
        The resources ("Vpc") or attributes ("Vpc.CidrBlock") it depends on, when it is not known yet
        whether it changes at all; empty for a change that is certain.
    """

    name: str
    before: Any
    after: Any
    recreates: bool
    causes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Change:
    """One resource that would be added, taken over, modified or removed."""

    action: Action
    logical_id: str
    type: str
    replacement: Replacement | None = None
    scope: tuple[str, ...] = ()
    properties: tuple[PropertyChange, ...] = ()


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the properties that differ, or may."""
    return frozenset(
        name
        for name in {*before, *after}
        if before.get(name, _ABSENT) != after.get(name, _ABSENT) or unknowns(after.get(name))
    )


def compare(
    logical_id: str, before: Existing, after: Existing, recreating: frozenset[str]
) -> Change | None:
    """Return what changes of one resource, or None.

    Parameters
    ----------
    recreating
        Names of the properties whose change makes a new resource.

    Raises
    ------
    TemplateError
        When the type differs: CloudFormation does not allow that.
    """
    if before.type != after.type:
        raise TemplateError(
            "Update of resource type is not permitted. The new template modifies resource type of the "
            f"following resources: [{logical_id}] ({before.type} to {after.type})"
        )
    details = tuple(
        PropertyChange(
            name=name,
            before=before.properties.get(name),
            after=after.properties.get(name),
            recreates=name in recreating,
            causes=unknowns(after.properties.get(name)),
        )
        for name in sorted(changed(before.properties, after.properties))
    )
    scope = ["Properties"] if any(detail.name != "Tags" for detail in details) else []
    scope += ["Tags"] if any(detail.name == "Tags" for detail in details) else []
    scope += sorted(changed(before.attributes, after.attributes))
    if not scope:
        return None
    return Change("Modify", logical_id, before.type, _replacement(details), tuple(scope), details)


def _replacement(details: Iterable[PropertyChange]) -> Replacement:
    recreating = [detail for detail in details if detail.recreates]
    if any(not detail.causes for detail in recreating):
        return "True"
    return "Conditional" if recreating else "False"


def difference(
    before: Mapping[str, Existing],
    wanted: Iterable[str],
    resolve: Callable[[str, Mapping[str, Change]], Existing],
    recreating: Callable[[str], frozenset[str]],
) -> tuple[Change, ...]:
    """Return every change, those of ``wanted`` in its order, then the removals.

    Parameters
    ----------
    before
        What runs, by logical id.
    wanted
        The logical ids of the new template, each after those it depends on.
    resolve
        Gives a wanted resource with its functions carried out, knowing the changes found so far: what
        comes from a resource that is added, replaced or modified is ``Unknown``.
    recreating
        The properties, by resource type, whose change makes a new resource.
    """
    changes: dict[str, Change] = {}
    order = tuple(wanted)
    for logical_id in order:
        after = resolve(logical_id, changes)
        if logical_id not in before:
            changes[logical_id] = Change("Add", logical_id, after.type)
            continue
        change = compare(logical_id, before[logical_id], after, recreating(after.type))
        if change:
            changes[logical_id] = change
    removed = (
        Change("Remove", logical_id, existing.type)
        for logical_id, existing in before.items()
        if logical_id not in set(order)
    )
    return (*changes.values(), *removed)


def reference(
    change: Change | None, known: Any, logical_id: str, attribute: str | None = None
) -> Any:
    """Return what ``Ref`` or ``Fn::GetAtt`` of a resource answers, given what happens to it.

    A modified resource keeps its ``Ref`` unless it is replaced; its attributes may change.
    """
    if change is None or (attribute is None and change.replacement == "False"):
        return known
    return Unknown(frozenset({f"{logical_id}.{attribute}" if attribute else logical_id}))
