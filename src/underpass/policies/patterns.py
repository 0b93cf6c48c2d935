"""Texts with wildcards and policy variables, as resources and conditions have them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from functools import lru_cache

from underpass.policies.logic import Truth, every
from underpass.policies.request import Context

WITH_VARIABLES = "2012-10-17"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)'\s*)?")
_NOTHING = "(?!)"
_PARTS_OF_ARN = 6


def like(text: str, value: str, context: Context, version: str, *, wild: bool = True) -> Truth:
    """Return whether ``value`` is what ``text`` says, with its variables, and its wildcards if ``wild``."""
    found = _expression(text, context, version, wild=wild)
    return None if found is None else bool(_compiled(found).fullmatch(value))


def like_arn(text: str, value: str, context: Context, version: str) -> Truth:
    """Return whether an ARN is what ``text`` says, part by part: a wildcard ends at a colon."""
    parts, wanted = value.split(":", _PARTS_OF_ARN - 1), _parts(text)
    if len(parts) != _PARTS_OF_ARN or len(wanted) != _PARTS_OF_ARN:
        return False
    return every(like(one, part, context, version) for one, part in zip(wanted, parts, strict=True))


def like_action(text: str, action: str) -> bool:
    """Return whether an action is what ``text`` says; neither case nor variables matter."""
    return bool(_compiled(_wild(text.lower())).fullmatch(action.lower()))


def _parts(text: str) -> list[str]:
    """Split at the colons of an ARN, not at those within a variable."""
    hidden = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), text)
    return [one.replace("\0", ":") for one in hidden.split(":", _PARTS_OF_ARN - 1)]


def _expression(text: str, context: Context, version: str, *, wild: bool) -> str | None:
    """Return a regular expression for ``text``; None when one of its variables cannot be told."""
    plain = _wild if wild else re.escape
    if version != WITH_VARIABLES or "${" not in text:
        return plain(text)
    made, end = [], 0
    for found in _VARIABLE.finditer(text):
        value = _value(found[1], context)
        if value is None:
            return None
        made += [plain(text[end : found.start()]), value]
        end = found.end()
    return "".join([*made, plain(text[end:])])


def _value(variable: str, context: Context) -> str | None:
    """Return an expression for a variable's value, in which no wildcard is one."""
    if variable in {"*", "?", "$"}:
        return re.escape(variable)
    named = _DEFAULT.fullmatch(variable)
    if named is None:
        return None
    values = context.find(named[1])
    if values is None or len(values) > 1:
        return None
    if values:
        return re.escape(values[0])
    return _NOTHING if named[2] is None else re.escape(named[2])


def _wild(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)
