"""IAM's actions: which there are, and which of them know resources.

They are a third of a megabyte, read when a configuration has permissions.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache

from underpass.config.facts.stored import stored

_WITHOUT_RESOURCES = "*"  # ends an action's name in the facts


def services() -> Collection[str]:
    """Return what actions start with: ``s3``, ``sqs``, ..."""
    return stored("actions").keys()


def nearest_service(prefix: str) -> str:
    """Return the service that was meant; empty if none is near."""
    near = get_close_matches(prefix.lower(), services(), n=1)
    return near[0] if near else ""


@cache
def of_service(prefix: str) -> dict[str, bool]:
    """Return the names of a service's actions, and of each whether it knows resources."""
    names = stored("actions").get(prefix, "").split()
    return {name.removesuffix(_WITHOUT_RESOURCES): name[-1] != _WITHOUT_RESOURCES for name in names}


def matching(pattern: str) -> tuple[str, ...]:
    """Return the actions that ``pattern``, as IAM reads it, stands for.

    Example
    -------
    >>> matching("s3:GetObjectT*")
    ('s3:GetObjectTagging', 's3:GetObjectTorrent')
    """
    prefix, _, name = pattern.partition(":")
    prefix, name = prefix.lower(), name.lower()
    return tuple(f"{prefix}:{one}" for one in of_service(prefix) if _matches(name, one.lower()))


def _matches(pattern: str, name: str) -> bool:
    return fnmatchcase(name, re.sub(r"[\[\]]", "", pattern))  # of IAM's are * and ? only


def nearest(action: str) -> str:
    """Return the action that was meant; empty if none is near."""
    prefix, _, name = action.partition(":")
    lower = {one.lower(): one for one in of_service(prefix.lower())}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.8)
    return f"{prefix.lower()}:{lower[near[0]]}" if near else ""


def knows_resources(action: str) -> bool:
    """Return whether an action that there is can be narrowed to a resource."""
    prefix, _, name = action.partition(":")
    return of_service(prefix).get(name, True)
