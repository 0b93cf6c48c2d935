"""Whether a role's trust policy lets an AWS service assume it."""

from __future__ import annotations

from moto.iam.models import iam_backends

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.records import records

_COLONS = 5  # of an ARN of IAM's


@records()
def admits(role_arn: str, service: str, source_arn: str) -> bool:
    """Return whether ``service`` may assume the role for what it runs; nobody assumes one that is gone."""
    account = role_arn.split(":")[4] if role_arn.count(":") == _COLONS else ""
    roles = iam_backends[account]["aws"].roles if account in iam_backends else {}
    held = next((one for one in roles.values() if one.arn == role_arn), None)
    if held is None:
        return False
    act = Act(
        service,
        "sts:AssumeRole",
        role_arn,
        {"aws:SourceAccount": account, "aws:SourceArn": source_arn},
    )
    return policy_allows(held.assume_role_policy_document, act)
