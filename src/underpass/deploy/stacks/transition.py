"""Taking something out of the foundation that the service still uses.

So long as tasks mount a file system, read a secret or have an interface in a subnet, it may not go. So the
foundation is deployed with what it has besides what it is to have, the service moves on, and then the
rest goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from underpass.blueprint.stack import Stack
from underpass.deploy.stacks.changes import removed

Template = Mapping[str, Any]


def widened(stack: Stack, deployed: Template) -> Stack:
    """Return the stack with all that only ``deployed`` has; as it is unless it would take something away.

    Parameters
    ----------
    deployed
        The template the stack has now; empty when there is none.
    """
    if deployed.get("Resources", {}).keys() <= stack.template["Resources"].keys():
        return stack
    both = {
        section: {**deployed.get(section, {}), **content}
        if isinstance(content, Mapping)
        else content
        for section, content in {**deployed, **stack.template}.items()
    }
    return replace(stack, template=both)


def farewells(
    before: Template, after: Template, ids: Mapping[str, str], snapshots: str
) -> list[str]:
    """Return what becomes of the data of each resource that is in ``before`` and no longer in ``after``.

    Parameters
    ----------
    ids
        Physical ids by logical id.
    snapshots
        What keeps the data of a database that is deleted, as a sentence.
    """
    told = {
        "Snapshot": f"is deleted; {snapshots}",
        "Retain": "stays as it is, with its data, and is yours to delete",
    }
    return [
        f"{change.logical_id} ({change.physical_id or change.type}) {told[change.policy]}"
        for change in removed(before, after, ids)
        if change.policy in told
    ]
