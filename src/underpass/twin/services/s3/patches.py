"""S3 in moto, corrected: a bucket policy's statement with a condition is not one without it.

moto knows no conditions, and lets such a statement deny everything. The twin's API speaks HTTP where AWS
speaks TLS, and knows nothing of who calls from where: a statement with a condition does not apply here,
so that ``Deny`` without TLS, which every good policy has, denies nothing.
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from underpass.twin.api import patch


@patch.replace(FakeBucket, "get_permission")
def _permission(bucket: Any, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    written = policy.get("Statement", [])
    statements = written if isinstance(written, list) else [written]
    applying = [statement for statement in statements if not statement.get("Condition")]
    policy["Statement"] = applying
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)
