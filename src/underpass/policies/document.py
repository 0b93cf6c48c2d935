"""An IAM policy as it is written: its statements, read once and compared by value.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from underpass.errors import UnderpassError

_OLD = "2008-10-17"  # the version of what does not say one: it knows no variables


@dataclass(frozen=True)
class Condition:
    """One key of one operator of a statement's ``Condition``."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement; an element that is not written is ``None``.

    Principals are pairs of kind and value, such as ``("Service", "ecs-tasks.amazonaws.com")``; ``"*"`` is
    ``("AWS", "*")``, as AWS has it.
    """

    sid: str
    effect: str
    principals: tuple[tuple[str, str], ...] | None
    not_principals: tuple[tuple[str, str], ...] | None
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Policy:
    """The statements of a policy and the version of the language they are written in."""

    statements: tuple[Statement, ...]
    version: str


def read(text_or_mapping: str | bytes | Mapping[str, Any]) -> Policy:
    """Return the policy that is written there.

    Raises
    ------
    UnderpassError
        When it is no policy.
    """
    if isinstance(text_or_mapping, str | bytes):
        return _of_text(text_or_mapping)
    try:
        return Policy(
            tuple(_statement(one) for one in _many(text_or_mapping.get("Statement", ()))),
            str(text_or_mapping.get("Version", _OLD)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnderpassError(
            "this is no IAM policy",
            f"{type(error).__name__}: {error}",
            'write {"Version": "2012-10-17", "Statement": [...]}',
        ) from error


@lru_cache(maxsize=1024)
def _of_text(text: str | bytes) -> Policy:
    try:
        held = json.loads(text)
    except ValueError as error:
        raise UnderpassError(
            "this is no IAM policy", f"it is no JSON: {error}", "write a JSON object"
        ) from error
    if not isinstance(held, Mapping):
        raise UnderpassError("this is no IAM policy", "it is no JSON object", "write one")
    return read(held)


def _statement(held: Mapping[str, Any]) -> Statement:
    effect = held["Effect"]
    if effect not in {"Allow", "Deny"}:
        raise ValueError(f"Effect is {effect!r}, and has to be Allow or Deny")
    return Statement(
        sid=str(held.get("Sid", "")),
        effect=effect,
        principals=_principals(held.get("Principal")),
        not_principals=_principals(held.get("NotPrincipal")),
        actions=_texts(held.get("Action")),
        not_actions=_texts(held.get("NotAction")),
        resources=_texts(held.get("Resource")),
        not_resources=_texts(held.get("NotResource")),
        conditions=tuple(
            Condition(operator, key, tuple(_text(value) for value in _many(values)))
            for operator, keys in held.get("Condition", {}).items()
            for key, values in keys.items()
        ),
    )


def _principals(held: Any) -> tuple[tuple[str, str], ...] | None:
    if held is None:
        return None
    if isinstance(held, Mapping):
        return tuple((kind, _text(one)) for kind, found in held.items() for one in _many(found))
    return tuple(("AWS", _text(one)) for one in _many(held))


def _texts(held: Any) -> tuple[str, ...] | None:
    return None if held is None else tuple(_text(one) for one in _many(held))


def _text(held: Any) -> str:
    """Return a value as the language compares it: numbers and truths are texts."""
    if isinstance(held, bool):
        return "true" if held else "false"
    if isinstance(held, str | int | float):
        return str(held)
    raise TypeError(f"{held!r} stands where a text has to")


def _many(held: Any) -> Iterable[Any]:
    return held if isinstance(held, list | tuple) else (held,)
