"""What a change set, or a new template, would do to each resource of a stack. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_BESIDE = (
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "DependsOn",
)  # properties, in a resource


@dataclass(frozen=True)
class Cause:
    """One property, or other attribute, whose change is a reason.

    Attributes
    ----------
    recreates
        Whether its change makes a new resource, for certain or under some condition.
    entity
        What it takes its value from, when it is not known yet whether that changes: a logical id.
    """

    name: str
    recreates: bool = False
    entity: str = ""


@dataclass(frozen=True)
class Change:
    """One resource that would be added, modified or removed.

    Attributes
    ----------
    action
        ``Add``, ``Modify`` or ``Remove``.
    replacement
        Of a modification: ``True``, ``False``, ``Conditional``; empty when it is not known.
    policy
        What becomes of the old resource when it is removed or replaced: ``Delete``, ``Retain`` or
        ``Snapshot``; empty when it is neither.
    """

    action: str
    logical_id: str
    type: str
    replacement: str = ""
    physical_id: str = ""
    policy: str = ""
    causes: tuple[Cause, ...] = ()


def described(shapes: Iterable[Any]) -> tuple[Change, ...]:
    """Return the changes of ``DescribeChangeSet``."""
    return tuple(_change(shape["ResourceChange"]) for shape in shapes if "ResourceChange" in shape)


def _change(shape: Any) -> Change:
    causes: dict[str, Cause] = {}
    for detail in shape.get("Details", ()):
        target = detail["Target"]
        name = target.get("Name") or target.get("Attribute", "")
        cause = Cause(
            name,
            target.get("RequiresRecreation", "Never") != "Never",
            detail.get("CausingEntity", "").partition(".")[0]
            if detail.get("Evaluation") == "Dynamic"
            else "",
        )
        # AWS tells the same property twice when it depends on a resource: once static, once dynamic.
        if name not in causes or (cause.recreates and not cause.entity):
            causes[name] = cause
    return Change(
        shape["Action"],
        shape["LogicalResourceId"],
        shape["ResourceType"],
        shape.get("Replacement") or "",
        shape.get("PhysicalResourceId") or "",
        (shape.get("PolicyAction") or "").removeprefix("ReplaceAnd"),
        tuple(causes.values()),
    )


def created(template: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the changes of a stack that does not exist yet."""
    return tuple(
        Change("Add", name, resource["Type"]) for name, resource in template["Resources"].items()
    )


def removed(
    before: Mapping[str, Any], after: Mapping[str, Any], ids: Mapping[str, str]
) -> tuple[Change, ...]:
    """Return the removals between two templates.

    Parameters
    ----------
    ids
        Physical ids by logical id.
    """
    return tuple(
        Change(
            "Remove",
            name,
            resource["Type"],
            physical_id=ids.get(name, ""),
            policy=resource.get("DeletionPolicy", "Delete"),
        )
        for name, resource in before.get("Resources", {}).items()
        if name not in after.get("Resources", {})
    )


def compared(
    before: Mapping[str, Any], after: Mapping[str, Any], ids: Mapping[str, str]
) -> tuple[Change, ...]:
    """Return what two templates tell of a change: not whether a resource would be replaced."""
    old, new = before.get("Resources", {}), after["Resources"]
    kept = [name for name in new if name in old and new[name] != old[name]]
    return (
        *(Change("Add", name, new[name]["Type"]) for name in new if name not in old),
        *(
            Change("Modify", name, new[name]["Type"], physical_id=ids.get(name, ""), causes=causes)
            for name in kept
            if (causes := _differing(old[name], new[name]))
        ),
        *removed(before, after, ids),
    )


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Cause, ...]:
    was, will = old.get("Properties", {}), new.get("Properties", {})
    names = [name for name in {**was, **will} if was.get(name) != will.get(name)]
    return tuple(
        Cause(name) for name in [*names, *(a for a in _BESIDE if old.get(a) != new.get(a))]
    )
