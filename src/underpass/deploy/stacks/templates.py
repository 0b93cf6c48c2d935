"""How a template gets to CloudFormation: in the request, or by S3 where it is too long for that.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from underpass.blueprint import Stack

MOST_IN_REQUEST = 51_200  # bytes; by S3 a template may have 1 MB

Carry: TypeAlias = Callable[[Stack], Mapping[str, str]]
"""Returns the arguments of a request that name a stack's template."""


def in_request(stack: Stack) -> dict[str, str]:
    """Carry the template in the request itself."""
    return {"TemplateBody": stack.body()}


def by(s3: Any, bucket: str) -> Carry:
    """Return what carries a template in the request where it fits, and else puts it into ``bucket`` first.

    Parameters
    ----------
    s3
        A boto3 S3 client.
    """

    def carry(stack: Stack) -> dict[str, str]:
        if not too_long(stack):
            return in_request(stack)
        body = stack.body().encode()
        key = f"templates/{hashlib.sha256(body).hexdigest()}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return {"TemplateURL": f"https://{bucket}.s3.{s3.meta.region_name}.amazonaws.com/{key}"}

    return carry


def too_long(stack: Stack) -> bool:
    """Tell whether a template has to come from S3."""
    return len(stack.body().encode()) > MOST_IN_REQUEST
