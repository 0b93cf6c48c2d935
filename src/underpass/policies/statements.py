"""Whether a statement is about a request: its action, its resource, its conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

from underpass.policies.conditions import holds
from underpass.policies.document import Statement
from underpass.policies.kleene import Truth, every, no, some
from underpass.policies.patterns import Missing, like, resolve
from underpass.policies.request import Request

ARN_PARTS = 6


def concerns(statement: Statement, request: Request, *, variables: bool) -> Truth:
    """Return whether the statement is about the request, whoever asks."""
    if not _is_action(statement, request.action):
        return False
    conditions = (
        holds(condition, request.context, variables=variables) for condition in statement.conditions
    )
    return every((_is_resource(statement, request, variables=variables), *conditions))


def _is_action(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(like(action.lower(), one.lower()) for one in statement.actions)
    return not any(like(action.lower(), one.lower()) for one in statement.not_actions or ())


def _is_resource(statement: Statement, request: Request, *, variables: bool) -> Truth:
    """Return whether the resource is meant; without the element it is the one the policy stands at."""
    if statement.resources is not None:
        return _among(statement.resources, request, variables=variables)
    if statement.not_resources is not None:
        return no(_among(statement.not_resources, request, variables=variables, negated=True))
    return True


def _among(
    patterns: tuple[str, ...], request: Request, *, variables: bool, negated: bool = False
) -> Truth:
    """Return whether one of the patterns is the resource's.

    What a variable without a value makes of the statement is not documented ("might cause the entire
    statement to be invalid"): it is only told where it comes to the same.
    """
    resolved = [resolve(one, request.context) if variables else one for one in patterns]
    result = some(_is(request.resource, one) for one in resolved if one is not Missing.ABSENT)
    if Missing.ABSENT in resolved and (negated or result):
        return None
    return result


def _is(resource: str | None, pattern: str | Missing) -> Truth:
    if pattern == "*":
        return True
    if resource is None or isinstance(pattern, Missing):
        return None
    return like(resource, _whole(pattern))


def _whole(pattern: str) -> str:
    """Complete an ARN as AWS does: with a wildcard for each part that is missing."""
    missing = ARN_PARTS - len(pattern.split(":"))
    return pattern + ":*" * missing if pattern.startswith("arn:") else pattern
