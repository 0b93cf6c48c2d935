"""A decision in AWS's words, and what would have changed it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

from collections.abc import Mapping

from underpass.policies.decision import Decision, Why
from underpass.policies.request import Request

EXPLICIT = frozenset(
    {
        Why.DENY_IN_IDENTITY,
        Why.DENY_IN_RESOURCE,
        Why.DENY_IN_SESSION,
        Why.DENY_IN_BOUNDARY,
        Why.DENY_IN_ENDPOINT,
    }
)
_IMPLICIT = frozenset(
    {Why.NO_IDENTITY, Why.NO_RESOURCE, Why.NO_SESSION, Why.NO_BOUNDARY, Why.NO_ENDPOINT}
)
_OF_ROLES = {
    Why.DENY_IN_RESOURCE: "an explicit deny in the role trust policy",
    Why.NO_RESOURCE: "no role trust policy allows",
}


def words(request: Request, decision: Decision) -> str:
    """Return AWS's sentence for a request that was not allowed."""
    principal, action = request.principal, request.action
    who = principal.arn or principal.service or "anonymous"
    sentence = f"User: {who} is not authorized to perform: {action}"
    if request.resource not in (None, "*"):
        quote = '"' if action.lower().startswith("s3:") else ""
        sentence += f" on resource: {quote}{request.resource}{quote}"
    reason = decision.why.value
    if action.lower().startswith("sts:assumerole"):
        reason = _OF_ROLES.get(decision.why, reason)
    if decision.why in EXPLICIT:
        return f"{sentence} with {reason}"
    return (
        f"{sentence} because {reason} the {action} action"
        if decision.why in _IMPLICIT
        else sentence
    )


def missing(request: Request) -> Mapping[str, object]:
    """Return the statement that would have allowed it."""
    return {
        "Effect": "Allow",
        "Action": [request.action],
        "Resource": [request.resource or "*"],
    }
