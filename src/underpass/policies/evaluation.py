"""Whether a request is allowed, denied, or cannot be told.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from underpass.policies.decision import Decision, Policies, Verdict, Why
from underpass.policies.document import Policy, Statement
from underpass.policies.kleene import Truth, every, some
from underpass.policies.principals import Named, named
from underpass.policies.request import Principal, Request
from underpass.policies.statements import concerns
from underpass.policies.wording import missing, words

__all__ = ["Decision", "Policies", "Verdict", "Why", "evaluate", "missing", "words"]


@dataclass(frozen=True)
class _Said:
    """What the policies of one kind say: whether they deny, and whether they allow, and as whom."""

    deny: Truth
    denied_by: Statement | None
    allow: Mapping[Named, Truth]
    allowed_by: Statement | None

    @property
    def allows(self) -> Truth:
        return some(self.allow.values())


def evaluate(request: Request, policies: Policies) -> Decision:
    """Return what comes of ``request``: a sure deny beats all, an unsure one makes an allow unsure."""
    kinds = {
        Why.DENY_IN_IDENTITY: _said(policies.identity, request),
        Why.DENY_IN_RESOURCE: _said(_one(policies.resource), request, resource=True),
        Why.DENY_IN_SESSION: _said(policies.session or (), request),
        Why.DENY_IN_BOUNDARY: _said(_one(policies.boundary), request),
        Why.DENY_IN_ENDPOINT: _said(_one(policies.endpoint), request, resource=True),
    }
    for why, said in kinds.items():
        if said.deny:
            return Decision(Verdict.DENIED, why, said.denied_by)
    decision = _of_allows(request, policies, _Allows.of(request, policies, kinds))
    unsure = any(said.deny is None for said in kinds.values())
    if unsure and decision.verdict is Verdict.ALLOWED:
        return Decision(Verdict.UNKNOWN, Why.UNKNOWN)
    return decision


@dataclass(frozen=True)
class _Allows:
    """What each kind of policy allows; what is not there limits nobody."""

    identity: Truth
    boundary: Truth
    session: Truth
    resource: Mapping[Named, Truth]
    endpoint: Truth
    by_identity: Statement | None
    by_resource: Statement | None

    @classmethod
    def of(cls, request: Request, policies: Policies, said: Mapping[Why, _Said]) -> _Allows:
        resource, identity = said[Why.DENY_IN_RESOURCE], said[Why.DENY_IN_IDENTITY]
        boundary, session = said[Why.DENY_IN_BOUNDARY], said[Why.DENY_IN_SESSION]
        return cls(
            True if _is_root(request.principal) else identity.allows,
            policies.boundary is None or boundary.allows,
            policies.session is None or session.allows,
            resource.allow,
            policies.endpoint is None or said[Why.DENY_IN_ENDPOINT].allows,
            identity.allowed_by,
            resource.allowed_by,
        )


def _of_allows(request: Request, policies: Policies, allows: _Allows) -> Decision:
    principal = request.principal
    limits = every((allows.boundary, allows.session))
    own = every((allows.identity, limits))
    direct, role, account = (allows.resource[one] for one in Named)
    role_limited = every((role, limits))
    resource = some((direct, role, account))
    reasons: list[tuple[Truth, Why]]
    if not principal.arn:  # a service, or whoever did not sign
        granted, reasons = direct, [(direct, Why.NO_RESOURCE)]
    elif _cross(request):
        granted = every((own, resource))
        reasons = [
            (allows.identity, Why.NO_IDENTITY),
            *_limits(allows),
            (resource, Why.NO_RESOURCE),
        ]
    elif policies.governs:
        granted = some((direct, role_limited, every((account, own))))
        one = some((allows.identity, role))
        reasons = [(resource, Why.NO_RESOURCE), (one, Why.NO_IDENTITY), *_limits(allows)]
    else:
        granted = some((direct, role_limited, own))
        one = some((allows.identity, role))
        reasons = [(one, Why.NO_IDENTITY), *_limits(allows)]
    return _decided(every((granted, allows.endpoint)), granted, reasons, principal, allows)


def _limits(allows: _Allows) -> list[tuple[Truth, Why]]:
    return [(allows.boundary, Why.NO_BOUNDARY), (allows.session, Why.NO_SESSION)]


def _decided(
    allowed: Truth,
    granted: Truth,
    reasons: Iterable[tuple[Truth, Why]],
    principal: Principal,
    allows: _Allows,
) -> Decision:
    if allowed is None:
        return Decision(Verdict.UNKNOWN, Why.UNKNOWN)
    if not allowed:
        if granted is not False:
            return Decision(Verdict.DENIED, Why.NO_ENDPOINT)
        return Decision(
            Verdict.DENIED, next((why for one, why in reasons if one is False), Why.NO_IDENTITY)
        )
    if allows.by_identity and allows.identity:
        return Decision(Verdict.ALLOWED, Why.BY_IDENTITY, allows.by_identity)
    if _is_root(principal):
        return Decision(Verdict.ALLOWED, Why.BY_ROOT)
    return Decision(Verdict.ALLOWED, Why.BY_RESOURCE, allows.by_resource)


def _said(policies: Iterable[Policy], request: Request, *, resource: bool = False) -> _Said:
    allow: dict[Named, Truth] = dict.fromkeys(Named, False)
    deny: Truth = False
    denied_by = allowed_by = None
    for policy in policies:
        for statement in policy.statements:
            kind, meant = (
                named(statement, request.principal) if resource else (Named.DIRECTLY, True)
            )
            if kind is None or meant is False:
                continue
            applies = every((meant, concerns(statement, request, variables=policy.has_variables)))
            if statement.effect == "Deny":
                denied_by = denied_by or (statement if applies else None)
                deny = some((deny, applies))
            else:
                allowed_by = allowed_by or (statement if applies else None)
                allow[kind] = some((allow[kind], applies))
    return _Said(deny, denied_by, allow, allowed_by)


def _one(policy: Policy | None) -> tuple[Policy, ...]:
    return () if policy is None else (policy,)


def _cross(request: Request) -> bool:
    return request.account not in ("", request.principal.account)


def _is_root(principal: Principal) -> bool:
    return principal.arn.endswith(":root")
