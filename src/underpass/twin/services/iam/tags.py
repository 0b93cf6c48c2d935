"""The tags that a request carries, as the condition keys that every service has for them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requesttag
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Pairs are called otherwise in KMS, and in services whose members begin small.
_PAIRS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"))
_LISTS_OF_KEYS = ("TagKeys", "tagKeys", "RemoveTagKeys")  # of what takes tags off


def context(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return ``aws:RequestTag/KEY`` and ``aws:TagKeys`` of what is put on or taken off; empty for no tags."""
    tags = dict(_tags(given))
    keys = [*tags, *(str(key) for name in _LISTS_OF_KEYS for key in given.get(name) or ())]
    if not keys:
        return {}
    values = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**values, "aws:TagKeys": tuple(dict.fromkeys(keys))}


def _tags(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("Tags", "tags", "AddTags"):
        yield from _pairs(given.get(name))
    for name, inner in (("Tagging", "TagSet"), ("CreateBucketConfiguration", "Tags")):  # S3's
        held = given.get(name)
        yield from _pairs(held.get(inner) if isinstance(held, Mapping) else None)
    for one in given.get("TagSpecifications") or ():  # EC2's, by the type of what is made
        yield from _pairs(one.get("Tags"))


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from ((str(key), str(value)) for key, value in tags.items())
    elif isinstance(tags, list):
        for tag in tags:
            for key, value in _PAIRS:
                if isinstance(tag, Mapping) and key in tag:
                    yield str(tag[key]), str(tag.get(value) or "")
