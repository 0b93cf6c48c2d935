"""Whom a statement of a resource's policy means, and how closely it names who asks.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

from enum import IntEnum

from underpass.policies.document import Statement
from underpass.policies.logic import Truth, negated
from underpass.policies.request import Principal


class Closeness(IntEnum):
    """How a policy names who asks; the closer, the less limits it."""

    NOT = 0
    ACCOUNT = 1  # the account's root: its own policies are to say
    ROLE = 2  # the role that was assumed, or everybody
    ITSELF = 3  # the session, the user, or the service


def closeness(statement: Statement, principal: Principal) -> Closeness:
    """Return how closely the ``Principal`` of a statement names who asks."""
    return max(
        (_one(kind, name, principal) for kind, name in statement.principals or ()),
        default=Closeness.NOT,
    )


def concerns(statement: Statement, principal: Principal) -> Truth:
    """Return whether a statement is about who asks; an identity's policy, without a principal, is."""
    if statement.principals is not None:
        return closeness(statement, principal) > Closeness.NOT
    if statement.not_principals is not None:
        return negated(_listed(statement, principal))
    return True


def _listed(statement: Statement, principal: Principal) -> Truth:
    """Return whether ``NotPrincipal`` lists who asks, and his role and account beside him, as AWS wants."""
    found = {_one(kind, name, principal) for kind, name in statement.not_principals or ()}
    found.discard(Closeness.NOT)
    wanted = {Closeness.ACCOUNT, Closeness.ITSELF} | ({Closeness.ROLE} if principal.role else set())
    if ("AWS", "*") in (statement.not_principals or ()) or principal.service:
        return bool(found)
    if not found:
        return False
    return True if wanted <= found else None


def _one(kind: str, name: str, principal: Principal) -> Closeness:
    if kind == "Service":
        return Closeness.ITSELF if name and name == principal.service else Closeness.NOT
    if kind != "AWS":
        return Closeness.NOT
    if name == "*":
        return Closeness.ROLE
    if name and name == principal.arn:
        return Closeness.ITSELF
    if name and name == principal.role:
        return Closeness.ROLE
    account = principal.account
    if account and (
        name == account or (name.startswith("arn:") and name.endswith(f":iam::{account}:root"))
    ):
        return Closeness.ACCOUNT
    return Closeness.NOT
