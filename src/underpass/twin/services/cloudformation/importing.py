"""What a change set takes over instead of making it, as ``ImportExistingResources`` asks.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from underpass.cloudformation.difference import Change
from underpass.cloudformation.template import Template
from underpass.twin.services.cloudformation.resource_type import ResourceType, known_as

_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
_WOULD_GO = (
    "CloudFormation is attempting to import some resources because they already exist in your account. "
    "The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the "
    "template for successful import. The affected resources are "
)


def importing(
    changes: Iterable[Change],
    properties: Mapping[str, Mapping[str, Any]],
    template: Template,
    types: Mapping[str, ResourceType],
    owned: Callable[[str, str], bool],
) -> tuple[tuple[Change, ...], list[str]]:
    """Return the changes with those imported that would make what is there already, and what is in the way.

    Parameters
    ----------
    properties
        By logical id, resolved as far as that goes: a name that is not known yet is nobody's.
    owned
        Whether a stack has the resource of a type and physical id: then it is not to be had.
    """
    found, would_go = [], []
    for change in changes:
        taken = change.action == "Add" and _existing(change, properties, types, owned)
        if taken and template.resources[change.logical_id].deletion_policy not in _KEPT:
            would_go.append(f"{change.logical_id} ({{{taken}}})")
        found.append(replace(change, action="Import") if taken else change)
    return tuple(found), [_WOULD_GO + ", ".join(would_go)] if would_go else []


def _existing(
    change: Change,
    properties: Mapping[str, Mapping[str, Any]],
    types: Mapping[str, ResourceType],
    owned: Callable[[str, str], bool],
) -> str:
    """Return the name, as ``Property=value``, of a resource that is there and no stack's; else nothing."""
    resource_type = types.get(known_as(change.type))
    name = resource_type.identifier() if resource_type else ""
    if resource_type is None or not isinstance(properties[change.logical_id].get(name), str):
        return ""
    there = resource_type.existing(properties[change.logical_id])
    if there is None or owned(change.type, there.id):
        return ""
    return f"{name}={properties[change.logical_id][name]}"
