"""What the policies of both sides come to, for whoever asks and for a role in whose name a service acts."""

from __future__ import annotations

from underpass.policies.evaluation import Decision, Policies, Verdict, evaluate
from underpass.policies.request import Request
from underpass.twin.api.asked import Asked
from underpass.twin.region.records import records
from underpass.twin.services.iam import callers, resources
from underpass.twin.services.iam.callers import Caller
from underpass.twin.services.iam.context import context


@records()
def judge(
    caller: Caller, one: Asked, region: str, user_agent: str = ""
) -> tuple[Request, Decision]:
    """Return one action that is asked for, and what comes of it."""
    found = resources.find(one.action, one.resource)
    keys = context(caller, one, region, found.account, user_agent)
    request = Request(caller.principal, one.action, one.resource, found.account, keys)
    held = Policies(
        identity=caller.identity,
        boundary=caller.boundary,
        session=caller.session,
        resource=found.policy,
        governs=found.governs,
    )
    return request, evaluate(request, held)


def role_may(role_arn: str, one: Asked, region: str) -> bool:
    """Return whether a service may do this with a role; what cannot be told is let through, as elsewhere."""
    _, decision = judge(callers.of_role(role_arn, "service"), one, region)
    return decision.verdict is not Verdict.DENIED
