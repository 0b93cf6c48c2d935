"""S3 in moto, corrected: what is no bucket policy is refused, and a condition is not left out.

moto knows no conditions, and lets such a statement deny everything. The twin's API speaks HTTP where AWS
speaks TLS, and knows nothing of who calls from where: a statement with a condition does not apply here,
so that ``Deny`` without TLS, which every good policy has, denies nothing.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, S3Backend

from underpass.errors import UnderpassError
from underpass.policies.document import read
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


@patch.wrap(S3Backend, "put_bucket_policy")
def _put(original: Callable[..., Any], backend: Any, bucket_name: str, policy: bytes) -> None:
    """Refuse what cannot be read, or names nobody or nothing."""
    try:
        statements = read(policy).statements
    except UnderpassError as error:
        raise S3ClientError("MalformedPolicy", f"Policies must be valid JSON: {error}") from error
    for one in statements:
        if one.principals is None and one.not_principals is None:
            raise _missing("Principal")
        if one.resources is None and one.not_resources is None:
            raise _missing("Resource")
    original(backend, bucket_name, policy)


def _missing(element: str) -> S3ClientError:
    return S3ClientError("MalformedPolicy", f"Missing required field {element}")
