"""IAM in moto, corrected: AWS's own policies can be attached."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.iam.models import IAMBackend

    if IAMBackend.attach_role_policy.__module__ != __name__:
        IAMBackend.attach_role_policy = _attaching(IAMBackend.attach_role_policy)


def _attaching(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let AWS's own policies be attached: moto knows all of them or none, and all take a second to load."""

    def attach_role_policy(backend: Any, policy_arn: str, role_name: str) -> Any:
        from moto.iam.aws_managed_policies import aws_managed_policies_data
        from moto.iam.models import AWSManagedPolicy

        if ":iam::aws:policy/" in policy_arn and policy_arn not in backend.managed_policies:
            name = policy_arn.rpartition("/")[2]
            known = json.loads(aws_managed_policies_data).get(name)
            if known:
                policy = AWSManagedPolicy.from_data(
                    name, backend.account_id, backend.region_name, known
                )
                backend.managed_policies[policy.arn] = policy
        return original(backend, policy_arn, role_name)

    return attach_role_policy
