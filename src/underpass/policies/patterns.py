"""What ``*``, ``?`` and ``${...}`` of a policy stand for.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from underpass.policies.request import Context

# What a variable stands for is no wildcard: its asterisks and question marks are kept apart until they match.
_ASTERISK, _QUESTION_MARK = "\ue000", "\ue001"
_KEPT = str.maketrans({"*": _ASTERISK, "?": _QUESTION_MARK})
_FREE = str.maketrans({_ASTERISK: "*", _QUESTION_MARK: "?"})
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WITH_DEFAULT = re.compile(r"([^,]*?)\s*,\s*'(.*)'", re.DOTALL)


class Missing(Enum):
    """Why a variable has no value."""

    ABSENT = "the key is not in the request"
    UNKNOWN = "nobody knows the key"


def resolve(text: str, context: Context) -> str | Missing:
    """Return a pattern without variables, or why there is none."""
    if "${" not in text:
        return text
    missing: list[Missing] = []

    def value(found: re.Match[str]) -> str:
        one = _value(found[1], context)
        if isinstance(one, Missing):
            missing.append(one)
            return ""
        return one.translate(_KEPT)

    resolved = _VARIABLE.sub(value, text)
    if Missing.UNKNOWN in missing:
        return Missing.UNKNOWN
    return Missing.ABSENT if missing else resolved


def _value(written: str, context: Context) -> str | Missing:
    if written in ("*", "?", "$"):
        return written
    default = _WITH_DEFAULT.fullmatch(written)
    values = context.find(default[1] if default else written)
    if values is None or len(values) > 1:  # keys of many values are no variables
        return Missing.UNKNOWN
    if values:
        return values[0]
    return default[2] if default else Missing.ABSENT


def plain(pattern: str) -> str:
    """Return a resolved pattern as the text it is."""
    return pattern.translate(_FREE)


def like(value: str, pattern: str) -> bool:
    """Return whether ``value`` is what the whole of ``pattern`` describes."""
    return _regex(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": ".", _ASTERISK: r"\*", _QUESTION_MARK: r"\?"}
    return re.compile("".join(parts.get(one) or re.escape(one) for one in pattern), re.DOTALL)


def arn_like(value: str, pattern: str) -> bool:
    """Return whether each of an ARN's six parts is what ``pattern`` describes."""
    parts, wanted = value.split(":", 5), pattern.split(":", 5)
    if pattern == "*":
        return True
    return len(parts) == len(wanted) and all(map(like, parts, wanted))
