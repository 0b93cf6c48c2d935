"""An IAM policy as it is written: its statements, read once and compared by value.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from underpass.errors import UnderpassError

VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"


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

    @property
    def has_variables(self) -> bool:
        """Whether ``${...}`` means anything: in versions before 2012-10-17 it is text."""
        return self.version == VERSION


def read(text_or_mapping: str | bytes | Mapping[str, Any]) -> Policy:
    """Return the policy that is written there.

    Raises
    ------
    UnderpassError
        When it is no policy.
    """
    if isinstance(text_or_mapping, str | bytes):
        return _read_text(text_or_mapping)
    return _policy(text_or_mapping)


@lru_cache(maxsize=1024)
def _read_text(text: str | bytes) -> Policy:
    try:
        return _policy(json.loads(text))
    except ValueError as error:
        raise _no_policy(f"not JSON ({error})") from error


def _policy(written: Any) -> Policy:
    if not isinstance(written, Mapping):
        raise _no_policy("not an object")
    version = written.get("Version", OLD_VERSION)
    if version not in (VERSION, OLD_VERSION):
        raise _no_policy(f'"Version" is {version!r}')
    statements = written.get("Statement")
    many = statements if isinstance(statements, list | tuple) else [statements]
    return Policy(tuple(_statement(one) for one in many), version)


def _statement(written: Any) -> Statement:
    if not isinstance(written, Mapping):
        raise _no_policy('"Statement" holds what is no object')
    if written.get("Effect") not in ("Allow", "Deny"):
        raise _no_policy(f'"Effect" is {written.get("Effect")!r}')
    if ("Action" in written) == ("NotAction" in written):
        raise _no_policy('a statement has either "Action" or "NotAction"')
    return Statement(
        str(written.get("Sid", "")),
        written["Effect"],
        _principals(written, "Principal"),
        _principals(written, "NotPrincipal"),
        _strings(written, "Action"),
        _strings(written, "NotAction"),
        _strings(written, "Resource"),
        _strings(written, "NotResource"),
        _conditions(written.get("Condition", {})),
    )


def _principals(written: Mapping[str, Any], element: str) -> tuple[tuple[str, str], ...] | None:
    if element not in written:
        return None
    named = written[element]
    if named == "*":
        return (("AWS", "*"),)
    if not isinstance(named, Mapping):
        raise _no_policy(f'"{element}" is {named!r}')
    return tuple((kind, value) for kind in named for value in _strings(named, kind) or ())


def _strings(written: Mapping[str, Any], element: str) -> tuple[str, ...] | None:
    if element not in written:
        return None
    value = written[element]
    many = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(one, str) for one in many):
        raise _no_policy(f'"{element}" is {value!r}')
    return many


def _conditions(written: Any) -> tuple[Condition, ...]:
    if not isinstance(written, Mapping) or not all(
        isinstance(keys, Mapping) for keys in written.values()
    ):
        raise _no_policy(f'"Condition" is {written!r}')
    return tuple(
        Condition(operator, key, tuple(_plain(one) for one in _many(values)))
        for operator, keys in written.items()
        for key, values in keys.items()
    )


def _plain(value: Any) -> str:
    """Return a condition's value as text: JSON's numbers and truths are taken as well."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _no_policy(f'"Condition" has the value {value!r}')
    return str(value)


def _many(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _no_policy(why: str) -> UnderpassError:
    return UnderpassError("this is no IAM policy", why, "see IAM's JSON policy elements reference")
