"""An IAM policy as it is written: its statements, read once and compared by value.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    raise NotImplementedError
