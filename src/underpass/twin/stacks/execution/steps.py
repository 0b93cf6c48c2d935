"""What must happen to one resource, decided from what runs and what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from underpass.cloudformation.difference import changed
from underpass.cloudformation.template import Resource
from underpass.twin.stacks.model import Record, attributes_of
from underpass.twin.stacks.provider import Provider

Step = Literal["create", "update", "replace", "note", "keep"]
"""``note`` is a change without effect on what runs: a tag, metadata, a policy."""


def decide(
    record: Record | None,
    resource: Resource,
    wanted: Mapping[str, Any],
    provider: Provider | type[Provider],
) -> Step:
    """Return what must happen so that ``record`` becomes ``resource`` with the properties ``wanted``."""
    if record is None or not record.alive:
        return "create"
    if record.status == "CREATE_FAILED":  # what is left of a creation that was not rolled back
        return "replace"
    differing = changed(record.properties, wanted)
    if differing & provider.replaces:
        return "replace"
    if differing - provider.inert:
        return "update"
    return "note" if differing or attributes_of(record) != attributes_of(resource) else "keep"
