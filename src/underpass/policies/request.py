"""Who asks for what: what a policy is held against.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-reqcontext.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes
    ----------
    arn
        What calls: a role's session (``arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION``), a user, an
        account's root; empty for a service, and for whoever did not sign.
    role
        The ARN of the role that was assumed.
    account
        The caller's account.
    service
        A service principal, such as ``ecs-tasks.amazonaws.com``.
    """

    arn: str
    role: str = ""
    account: str = ""
    service: str = ""


@dataclass(frozen=True)
class Context:
    """The condition keys of a request; their names are not case-sensitive.

    Attributes
    ----------
    values
        The keys that are there.
    absent
        The keys that are not: by name, a whole family (``aws:RequestTag/*``), or all others (``*``). What is
        in neither is a key nobody knows.
    """

    values: Mapping[str, tuple[str, ...]]
    absent: frozenset[str] = frozenset()

    def find(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a key: none of them when it is absent, ``None`` when nobody knows."""
        name = key.lower()
        known = self._known.get(name)
        if known is None and name.startswith(self._families):
            return ()
        return known

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, ...]]:
        absent: dict[str, tuple[str, ...]] = {key.lower(): () for key in self.absent}
        return absent | {key.lower(): values for key, values in self.values.items()}

    @cached_property
    def _families(self) -> tuple[str, ...]:
        return tuple(key[:-1].lower() for key in self.absent if key.endswith("*"))


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    action
        As policies name it, such as ``s3:GetObject``.
    resource
        The resource's ARN; ``"*"`` when the action knows no resources, ``None`` when it cannot be told.
    account
        The resource's account; empty for the caller's own.
    """

    principal: Principal
    action: str
    resource: str | None
    account: str
    context: Context
