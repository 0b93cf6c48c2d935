"""Whether a request is allowed, denied, or cannot be told.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from underpass.policies.conditions import holds
from underpass.policies.document import Policy, Statement
from underpass.policies.logic import Truth, every, negated, some
from underpass.policies.patterns import like, like_action
from underpass.policies.principals import Closeness, closeness, concerns
from underpass.policies.request import Request


class Verdict(Enum):
    """What comes of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "cannot tell"


class Why(Enum):
    """What decided, in AWS's words."""

    DENY_IN_IDENTITY = "an explicit deny in an identity-based policy"
    DENY_IN_RESOURCE = "an explicit deny in a resource-based policy"
    DENY_IN_SESSION = "an explicit deny in a session policy"
    DENY_IN_BOUNDARY = "an explicit deny in a permissions boundary"
    DENY_IN_ENDPOINT = "an explicit deny in a VPC endpoint policy"
    NO_IDENTITY = "no identity-based policy allows"
    NO_RESOURCE = "no resource-based policy allows"
    NO_SESSION = "no session policy allows"
    NO_BOUNDARY = "no permissions boundary allows"
    NO_ENDPOINT = "no VPC endpoint policy allows"
    BY_IDENTITY = "allowed by an identity-based policy"
    BY_RESOURCE = "allowed by a resource-based policy"
    BY_ROOT = "allowed as the account's root user"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Policies:
    """The policies that have a say in a request.

    Attributes
    ----------
    identity
        The policies of the caller.
    boundary, session
        What limits them, where there is any; a session without policies of its own is ``None``.
    resource
        The resource's own policy.
    governs
        The resource's policy has to allow, whatever the identity's do: a KMS key's, a role's trust policy.
    endpoint
        The policy of the VPC endpoint the request goes through.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource: Policy | None = None
    governs: bool = False
    endpoint: Policy | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict, what decided, and the statement that did, where one did."""

    verdict: Verdict
    why: Why
    statement: Statement | None = None


def evaluate(request: Request, policies: Policies) -> Decision:
    """Return what comes of ``request``."""
    denied = [(_matches(policies_, "Deny", request), why) for policies_, why in _denying(policies)]
    for (statement, truth), why in denied:
        if truth:
            return Decision(Verdict.DENIED, why, statement)
    allowed, decision = _allowed(request, policies)
    if allowed is False:
        return decision
    if allowed is None or any(truth is None for (_, truth), _ in denied):
        return Decision(Verdict.UNKNOWN, Why.UNKNOWN)
    return decision


def words(request: Request, decision: Decision) -> str:
    """Return AWS's sentence for a request that was not allowed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    who = request.principal.arn or request.principal.service or "anonymous"
    said = f"User: {who} is not authorized to perform: {request.action}"
    if request.resource and request.resource != "*":
        quote = '"' if request.action.startswith("s3:") else ""
        said += f" on resource: {quote}{request.resource}{quote}"
    if decision.why.value.startswith("an explicit"):
        return f"{said} with {decision.why.value}"
    if decision.why.value.startswith("no "):
        return f"{said} because {decision.why.value} the {request.action} action"
    return said


def missing(request: Request) -> Mapping[str, object]:
    """Return the statement that would have allowed it."""
    return {
        "Effect": "Allow",
        "Action": [request.action],
        "Resource": [request.resource or "*"],
    }


_Match = tuple[Statement | None, Truth]


def _denying(policies: Policies) -> Iterable[tuple[tuple[Policy, ...], Why]]:
    yield policies.identity, Why.DENY_IN_IDENTITY
    yield _held(policies.resource), Why.DENY_IN_RESOURCE
    yield _held(policies.boundary), Why.DENY_IN_BOUNDARY
    yield policies.session or (), Why.DENY_IN_SESSION
    yield _held(policies.endpoint), Why.DENY_IN_ENDPOINT


def _held(policy: Policy | None) -> tuple[Policy, ...]:
    return () if policy is None else (policy,)


def _allowed(request: Request, policies: Policies) -> tuple[Truth, Decision]:
    """Return whether it is allowed where nothing denies it, and the decision that this makes."""
    identity, own = _matches(policies.identity, "Allow", request)
    if request.principal.arn.endswith(":root"):
        own = True
    boundary = _limit(policies.boundary, request)
    session = True if policies.session is None else _matches(policies.session, "Allow", request)[1]
    endpoint = _limit(policies.endpoint, request)
    limits = every((boundary, session))
    by_identity = every((own, limits))
    named = _named(policies.resource, request)
    itself, role, account = (
        named[one] for one in (Closeness.ITSELF, Closeness.ROLE, Closeness.ACCOUNT)
    )
    granted = some((itself[1], every((role[1], limits))))
    if not request.principal.account:  # a service, or nobody who is known
        allowed = some((itself[1], role[1]))
    elif request.account not in ("", request.principal.account):
        allowed = every((by_identity, some((itself[1], role[1], account[1]))))
    elif policies.governs:
        allowed = some((granted, every((account[1], by_identity))))
    else:
        allowed = some((granted, by_identity))
    if every((allowed, endpoint)):
        if own and request.principal.arn.endswith(":root"):
            return True, Decision(Verdict.ALLOWED, Why.BY_ROOT)
        if by_identity:
            return True, Decision(Verdict.ALLOWED, Why.BY_IDENTITY, identity)
        return True, Decision(Verdict.ALLOWED, Why.BY_RESOURCE, itself[0] or role[0])
    why = Why.NO_ENDPOINT if endpoint is False else _why(request, own, boundary, session)
    return every((allowed, endpoint)), Decision(Verdict.DENIED, why)


def _why(request: Request, own: Truth, boundary: Truth, session: Truth) -> Why:
    """Return which policy AWS says is missing."""
    if not request.principal.account:
        return Why.NO_RESOURCE
    if own is False:
        return Why.NO_IDENTITY
    if boundary is False:
        return Why.NO_BOUNDARY
    if session is False:
        return Why.NO_SESSION
    return Why.NO_RESOURCE


def _limit(policy: Policy | None, request: Request) -> Truth:
    """Return whether what limits lets it pass; nothing limits where there is no such policy."""
    return True if policy is None else _matches((policy,), "Allow", request)[1]


def _named(policy: Policy | None, request: Request) -> Mapping[Closeness, _Match]:
    """Return what a resource's policy allows whom it names how closely."""
    found: dict[Closeness, _Match] = dict.fromkeys(Closeness, (None, False))
    for statement in policy.statements if policy else ():
        how = closeness(statement, request.principal)
        if statement.effect == "Allow" and how > Closeness.NOT:
            truth = _concerns(statement, request, policy.version if policy else "")
            found[how] = _better(found[how], (statement, truth))
    return found


def _matches(policies: Iterable[Policy], effect: str, request: Request) -> _Match:
    """Return the first statement with this effect that concerns a request, or whether one may."""
    best: _Match = (None, False)
    for policy in policies:
        for statement in policy.statements:
            if statement.effect == effect:
                best = _better(best, (statement, _concerns(statement, request, policy.version)))
                if best[1]:
                    return best
    return best


def _better(one: _Match, other: _Match) -> _Match:
    return other if some((one[1], other[1])) is not one[1] else one


def _concerns(statement: Statement, request: Request, version: str) -> Truth:
    return every(
        (
            _names_action(statement, request.action),
            concerns(statement, request.principal),
            _names_resource(statement, request, version),
            every(holds(one, request.context, version) for one in statement.conditions),
        )
    )


def _names_action(statement: Statement, action: str) -> bool:
    if statement.not_actions is not None:
        return not any(like_action(one, action) for one in statement.not_actions)
    return any(like_action(one, action) for one in statement.actions or ())


def _names_resource(statement: Statement, request: Request, version: str) -> Truth:
    if statement.not_resources is not None:
        return negated(_one_of(statement.not_resources, request, version))
    if statement.resources is None:  # a trust policy is about its own role
        return request.action.startswith("sts:")
    return _one_of(statement.resources, request, version)


def _one_of(patterns: tuple[str, ...], request: Request, version: str) -> Truth:
    if request.resource is None:
        return True if "*" in patterns else None
    return some(like(one, request.resource, request.context, version) for one in patterns)
