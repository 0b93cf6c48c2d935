"""Each service's way to tag what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tags = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Tagging:
    """How tags are put on and taken off: two actions and two of their parameters."""

    tag: str = "tag_resource"
    untag: str = "untag_resource"
    resource: str = "ResourceArn"
    keys: str = "TagKeys"
    prefix: str = ""
    """What stands before ``Key`` and ``Value`` in the service's form of a tag."""

    def changes(self, resource: str, old: Any, new: Any) -> list[tuple[str, dict[str, Any]]]:
        """Return the calls, as (action, parameters), that lead from the tags ``old`` to ``new``."""
        before, after = as_map(old), as_map(new)
        calls: list[tuple[str, dict[str, Any]]] = []
        gone = [key for key in before if key not in after]
        if gone:
            keys = [{"Key": key} for key in gone] if self.keys == "Tags" else gone
            calls.append((self.untag, {self.resource: resource, self.keys: keys}))
        put = self.written({k: v for k, v in after.items() if before.get(k) != v})
        if put:
            calls.append((self.tag, {self.resource: resource, "Tags": put}))
        return calls

    def written(self, tags: Any) -> list[dict[str, str]]:
        """Return tags, as templates write them, in the service's form."""
        return [
            {f"{self.prefix}Key": key, f"{self.prefix}Value": value}
            for key, value in as_map(tags).items()
        ]


def as_map(tags: Any) -> dict[str, str]:
    """Return tags, a list of ``Key`` and ``Value`` or already a map, as a map."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags or ()}
