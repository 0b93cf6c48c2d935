"""Whether a resource's own policy lets an AWS service do something: what AWS asks before it acts for you.

The twin records IAM policies and enforces none of them. But what AWS's services do by themselves (publish a
notification, deliver a log) fails silently in AWS when a topic's or a bucket's policy does not admit them,
so here they ask. An operator that is not known here admits nobody.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

IF_EXISTS = "IfExists"


@dataclass(frozen=True)
class Act:
    """What a service is about to do.

    Attributes
    ----------
    service
        Its principal, such as ``vpce.amazonaws.com``.
    action, resource
        As policies name them.
    context
        The condition keys the service sends along.
    """

    service: str
    action: str
    resource: str
    context: Mapping[str, str]


def policy_allows(policy: Mapping[str, Any] | str | bytes, act: Act) -> bool:
    """Return whether ``policy``, or its text, allows ``act`` and does not deny it.

    What is no policy admits nobody.
    """
    try:
        held = json.loads(policy) if isinstance(policy, str | bytes) else policy
        statements = _many(held.get("Statement", ()))
        effects = {statement["Effect"] for statement in statements if _concerns(statement, act)}
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return effects == {"Allow"}


def _concerns(statement: Mapping[str, Any], act: Act) -> bool:
    return (
        _is_principal(statement.get("Principal", {}), act.service)
        and any(
            fnmatchcase(act.action.lower(), action.lower())
            for action in _many(statement.get("Action", ()))
        )
        and any(fnmatchcase(act.resource, one) for one in _many(statement.get("Resource", ())))
        and all(
            _holds(operator, wanted, act.context)
            for operator, wanted in statement.get("Condition", {}).items()
        )
    )


def _is_principal(principal: Any, service: str) -> bool:
    """Return whether the service is meant: by name, or as everybody (``"*"``)."""
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return service in _many(principal.get("Service", ())) or "*" in _many(principal.get("AWS", ()))


def _holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    test = _OPERATORS.get(operator.removesuffix(IF_EXISTS))
    if test is None:
        return False
    sent = {key.lower(): value for key, value in context.items()}
    for key, values in wanted.items():
        value = sent.get(key.lower())
        if value is None:
            if not operator.endswith(IF_EXISTS):
                return False
        elif not any(test(value, str(one)) for one in _many(values)):
            return False
    return True


def _same(value: str, wanted: str) -> bool:
    return value == wanted


def _same_truth(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": _same_truth,
}


def _many(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)
