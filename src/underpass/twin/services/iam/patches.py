"""IAM in moto, corrected: AWS's own policies can be attached."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import AWSManagedPolicy, IAMBackend

from underpass.twin.api import patch


@patch.wrap(IAMBackend, "attach_role_policy")
def _attach(original: Callable[..., Any], backend: Any, policy_arn: str, role_name: str) -> Any:
    """Let AWS's own policies be attached: moto knows all of them or none, and all take a second to load."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data  # megabytes

    if ":iam::aws:policy/" in policy_arn and policy_arn not in backend.managed_policies:
        name = policy_arn.rpartition("/")[2]
        known = json.loads(aws_managed_policies_data).get(name)
        if known:
            policy = AWSManagedPolicy.from_data(
                name, backend.account_id, backend.region_name, known
            )
            backend.managed_policies[policy.arn] = policy
    return original(backend, policy_arn, role_name)
