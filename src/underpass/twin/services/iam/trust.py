"""Whether a role's trust policy lets an AWS service assume it."""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.records import records

_COLONS = 5  # of an ARN of IAM's


def admits(role_arn: str, service: str, source_arn: str) -> bool:
    """Return whether ``service`` may assume the role for what it runs; nobody assumes one that is gone."""
    document = policy(role_arn)
    if document is None:
        return False
    keys = {"aws:SourceAccount": _account(role_arn), "aws:SourceArn": source_arn}
    return policy_allows(document, Act(service, "sts:AssumeRole", role_arn, keys))


@records()
def policy(role_arn: str) -> Any:
    """Return a role's trust policy; ``None`` for one that is not there."""
    account = _account(role_arn)
    roles = iam_backends[account]["aws"].roles if account in iam_backends else {}
    found = (one.assume_role_policy_document for one in roles.values() if one.arn == role_arn)
    return next(found, None)


def _account(role_arn: str) -> str:
    return role_arn.split(":")[4] if role_arn.count(":") == _COLONS else ""
