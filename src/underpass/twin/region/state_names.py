"""Names that stay the same from one ``up`` to the next, for the folders that hold a user's data.

Most identifiers are random in each region. What a stack made keeps the stack's name and the
resource's logical id, which CloudFormation puts into the tags of every resource, as in AWS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

_LONGEST = 100
_TIDY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def state_name(tags: Iterable[Mapping[str, str]], otherwise: str) -> str:
    """Return a folder name for a resource: from its stack and logical id, or else from ``otherwise``.

    Example
    -------
    >>> state_name([], "fs-token")
    'fs-token'
    """
    named = {tag["Key"]: tag["Value"] for tag in tags}
    stack = named.get("aws:cloudformation:stack-name")
    logical = named.get("aws:cloudformation:logical-id")
    return folder_name(f"{stack}-{logical}" if stack and logical else otherwise)


def folder_name(text: str) -> str:
    """Return ``text`` if it can name a folder, else a tidied form that is still its own."""
    if _TIDY.fullmatch(text) and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9_-]", "-", text).strip("-")[: _LONGEST - 9] + f"-{digest}"
