"""What must happen to one resource, decided from what runs and what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from underpass.cloudformation.difference import changed
from underpass.cloudformation.template import Resource
from underpass.twin.services.cloudformation.model import Record, attributes_of
from underpass.twin.services.cloudformation.resource_type import ResourceType

Step = Literal["create", "update", "replace", "note", "keep"]
"""``note`` is a change without effect on what runs: a tag, metadata, a policy."""


def decide(
    record: Record | None,
    resource: Resource,
    wanted: Mapping[str, Any],
    resource_type: ResourceType | type[ResourceType],
) -> Step:
    """Return what must happen so that ``record`` becomes ``resource`` with the properties ``wanted``."""
    if record is None or not record.alive:
        return "create"
    differing = changed(record.properties, wanted)
    if differing & resource_type.replaces:
        return "replace"
    if differing - resource_type.inert:
        return "update"
    # What failed to update is what it was, and may now be as it is wanted: then it only says so.
    noted = differing or attributes_of(record) != attributes_of(resource)
    return "note" if noted or record.status == "UPDATE_FAILED" else "keep"
