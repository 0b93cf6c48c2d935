"""Whether IAM would allow a call: policy evaluation for one account, as far as our policies use it.

No library does this offline in Python: moto's evaluator lets a condition that does not hold deny, where
AWS's only passes the statement over.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A request: the action, what it is done to, and the condition keys that AWS sets."""

    action: str
    resource: str = "*"
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    principal: str = ""  # what resource policies and trust policies look at


def allowed(documents: Iterable[Mapping[str, Any]], call: Call) -> bool:
    """Return whether some statement allows the call and none denies it."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _list(document["Statement"])
        if _applies(statement, call)
    }
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], call: Call) -> bool:
    return (
        _element(statement, "Action", call.action, ignore_case=True)
        and ("Principal" not in statement or _principal(statement["Principal"], call.principal))
        and _element(statement, "Resource", call.resource)
        and _conditions(statement.get("Condition", {}), call.context)
    )


def _element(
    statement: Mapping[str, Any], name: str, value: str, *, ignore_case: bool = False
) -> bool:
    if f"Not{name}" in statement:
        return not any(_like(value, one, ignore_case) for one in _list(statement[f"Not{name}"]))
    if name not in statement:  # a trust policy, or one of a resource that means itself
        return name == "Resource" and "Principal" in statement
    return any(_like(value, one, ignore_case) for one in _list(statement[name]))


def _principal(stated: Any, principal: str) -> bool:
    if stated == "*":
        return True
    names = [name for names in stated.values() for name in _list(names)]
    account = principal.split(":")[4] if principal.startswith("arn:") else ""
    return any(
        name in ("*", principal, account) or name == f"arn:aws:iam::{account}:root"
        for name in names
    )


def _conditions(
    conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str | Sequence[str]]
) -> bool:
    lower = {key.lower(): value for key, value in context.items()}
    return all(
        _condition(operator, lower.get(key.lower()), _list(wanted))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _condition(operator: str, found: str | Sequence[str] | None, wanted: Sequence[Any]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    wanted = [_text(one) for one in wanted]
    if plain == "Null":
        return [_text(found is None)] == wanted
    if found is None:
        return (
            plain.endswith("IfExists")
            or quantifier == "ForAllValues"
            or (_negative(plain) and quantifier != "ForAnyValue")
        )
    test = _OPERATORS[plain.removesuffix("IfExists")]
    negative = _negative(plain)
    held = [
        not any(test(value, one) for one in wanted)
        if negative
        else any(test(value, one) for one in wanted)
        for value in ([found] if isinstance(found, str) else found)
    ]
    return any(held) if quantifier == "ForAnyValue" else all(held)


def _negative(operator: str) -> bool:
    return "Not" in operator


def _like(value: str, pattern: str, ignore_case: bool = False) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return bool(re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)))


def _arn_like(value: str, pattern: str) -> bool:
    """Compare field by field: a wildcard does not reach over a colon, save in the last field."""
    fields, wanted = value.split(":", 5), pattern.split(":", 5)
    return len(fields) == len(wanted) and all(map(_like, fields, wanted))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# An operator that is not here is a KeyError: nothing is taken to hold that is not understood.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringNotEquals": str.__eq__,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "StringNotLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "ArnNotEquals": _arn_like,
    "ArnNotLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
}
