"""Who signed a request, and which policies speak for him: his role's or user's, a boundary, a session's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from underpass.policies.document import Policy, read
from underpass.policies.request import Principal
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records
from underpass.twin.services.iam import assumed, managed


@dataclass(frozen=True)
class Caller:
    """Somebody who is not the account's administrator.

    Attributes
    ----------
    identity
        The policies of the role or user.
    boundary, session
        What limits them, where there is any.
    unique_id
        ``aws:userid``.
    tags
        Those of the role or user.
    """

    principal: Principal
    identity: tuple[Policy, ...]
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    unique_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


ANYBODY = Caller(Principal(""), ())
"""Whoever did not sign."""

_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ADMINISTRATOR = Caller(
    Principal(f"arn:aws:iam::{ACCOUNT_ID}:user/underpass", account=ACCOUNT_ID),
    (read({"Version": "2012-10-17", "Statement": [_EVERYTHING]}),),
)
"""Who has the key of ``underpass env``: nothing binds him, but that a role is assumed by whom it trusts."""


@records()
def find(access_key_id: str, administrators: Collection[str] = ()) -> Caller | None:
    """Return who has a key: ``ADMINISTRATOR`` for one of these; None where nobody known has it."""
    if access_key_id in administrators:
        return ADMINISTRATOR
    for account_id, account in list(iam_backends.items()):
        backend = account["aws"]
        held = backend.access_keys.get(access_key_id)
        if held is None:
            continue
        if held.user_name is not None:
            return _user(backend, held.user_name)
        session = sts_backends[account_id]["aws"].get_assumed_role_from_access_key(access_key_id)
        if session is not None:
            return _assumed(session)
        return find(getattr(held, "twin_asked_by", ""), administrators)
    return None


@records()
def of_role(role_arn: str, session_name: str) -> Caller:
    """Return a session of a role, for what a service does with it."""
    return _session(role_arn, session_name)


def _assumed(held: Any) -> Caller:
    """Return a session with what it was given when the role was assumed."""
    caller, limits = _session(held.role_arn, held.session_name), assumed.policies(held)
    return replace(
        caller,
        session=tuple(_read(limits)) if limits else None,
        tags={**caller.tags, **assumed.tags(held)},
    )


def _session(role_arn: str, name: str) -> Caller:
    account = role_arn.split(":")[4]
    backend = iam_backends[account]["aws"]
    role = next((one for one in backend.roles.values() if one.arn == role_arn), None)
    arn = f"arn:aws:sts::{account}:assumed-role/{role_arn.rpartition('/')[2]}/{name}"
    principal = Principal(arn, role=role_arn, account=account)
    if role is None:  # it was deleted: its sessions may nothing any more
        return Caller(principal, ())
    return Caller(
        principal,
        _policies(role),
        boundary=_boundary(backend, role.permissions_boundary_arn),
        unique_id=f"{role.id}:{name}",
        tags={one["Key"]: one["Value"] for one in role.tags or ()},
    )


def _user(backend: Any, name: str) -> Caller:
    user = backend.get_user(name)
    groups = backend.get_groups_for_user(name)
    tags = {one["Key"]: one["Value"] for one in backend.list_user_tags(name)}
    return Caller(
        Principal(user.arn, account=backend.account_id),
        tuple(policy for one in (user, *groups) for policy in _policies(one)),
        boundary=_boundary(backend, getattr(user, "twin_boundary_arn", None)),
        unique_id=user.id,
        tags=tags,
    )


def _policies(held: Any) -> tuple[Policy, ...]:
    """Return the policies of a role, user or group: inline, and attached in their default versions."""
    attached = (managed.default(one) for one in held.managed_policies.values())
    return tuple(_read((*held.policies.values(), *attached)))


def _read(texts: Iterable[str]) -> Iterable[Policy]:
    return (read(text) for text in texts if text)


def _boundary(backend: Any, arn: str | None) -> Policy | None:
    """Return the boundary; one that is no longer there lets nothing pass."""
    return read(managed.document(backend.account_id, arn)) if arn else None
