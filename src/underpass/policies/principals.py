"""Whom a resource's policy means, and how far it grants to them by itself.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from underpass.policies.document import Statement
from underpass.policies.kleene import Truth, no
from underpass.policies.request import Principal


class Named(Enum):
    """As what a statement means a principal: the kind decides what limits it.

    ``DIRECTLY``: the user, the session, the service, everybody: nothing implicit limits that. As its
    ``ROLE``: boundary and session policies do. By its ``ACCOUNT``: policies of the identity have to allow it.
    """

    DIRECTLY = "directly"
    ROLE = "role"
    ACCOUNT = "account"


def named(statement: Statement, principal: Principal) -> tuple[Named | None, Truth]:
    """Return as what the statement means the principal, and whether it surely does."""
    if statement.principals is not None:
        kinds = _kinds(statement.principals, principal)
        for kind in Named:
            if kind in kinds:
                return kind, True
        return None, False
    if statement.not_principals is not None:
        return Named.DIRECTLY, no(_is_spared(statement.not_principals, principal))
    return None, False


def _kinds(written: Iterable[tuple[str, str]], principal: Principal) -> set[Named]:
    return {kind for one in written for kind in [_kind(one, principal)] if kind}


def _kind(one: tuple[str, str], principal: Principal) -> Named | None:
    kind, value = one
    if kind == "Service":
        return Named.DIRECTLY if principal.service and value == principal.service else None
    if kind != "AWS":  # nobody is federated here, or has a canonical user's number
        return None
    if principal.account and value in _roots(principal):
        return Named.ACCOUNT
    if value == "*" or (principal.arn and value == principal.arn):
        return Named.DIRECTLY
    return Named.ROLE if principal.role and value == principal.role else None


def _is_spared(written: tuple[tuple[str, str], ...], principal: Principal) -> Truth:
    """Return whether ``NotPrincipal`` leaves a principal out.

    Its account has to be named as well, and for a session the role: else AWS "might deny access".
    """
    kinds = _kinds(written, principal)
    if ("AWS", "*") in written or not principal.arn:
        return bool(kinds)
    if principal.arn in _roots(principal):
        return Named.ACCOUNT in kinds
    if not kinds & {Named.DIRECTLY, Named.ROLE}:
        return False
    needed = set(Named) if principal.role else {Named.DIRECTLY, Named.ACCOUNT}
    return True if kinds >= needed else None


def _roots(principal: Principal) -> tuple[str, ...]:
    partition = principal.arn.split(":")[1] if principal.arn.count(":") else "aws"
    return (f"arn:{partition}:iam::{principal.account}:root", principal.account)
