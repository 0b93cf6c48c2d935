"""An ALB's access logs: Elastic Load Balancing refuses a bucket that does not let it write.

No log is written on the twin.
Source: elasticloadbalancing/latest/application/enable-access-logging.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from underpass.policies.resource_policies import Act, policy_allows

PUBLISHER = "logdelivery.elasticloadbalancing.amazonaws.com"


def check(balancer: Any, attributes: Mapping[str, Any]) -> None:
    """Refuse attributes that turn logs on into a bucket that is not there, or closed to the service.

    Raises
    ------
    ELBClientError
        As AWS words it.
    """
    if balancer.type != "application" or attributes.get("access_logs.s3.enabled") != "true":
        return
    name, prefix = attributes.get("access_logs.s3.bucket"), attributes.get("access_logs.s3.prefix")
    _, partition, _, _, account, _ = balancer.arn.split(":", 5)
    try:
        bucket = s3_backends[account][partition].get_bucket(name)
    except MissingBucket:
        raise _refused(f"S3Bucket: {name} does not exist") from None
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    act = Act(
        PUBLISHER,
        "s3:PutObject",
        f"arn:{partition}:s3:::{name}/{folder}/{account}/ELBAccessLogTestFile",
        {
            "aws:SourceAccount": account,
            "aws:SourceArn": balancer.arn,
            "aws:SecureTransport": "true",
        },
    )
    if not policy_allows(bucket.policy or b"", act):
        raise _refused(f"Access Denied for bucket: {name}. Please check S3bucket permission")


def _refused(why: str) -> Any:
    return ELBClientError("InvalidConfigurationRequest", why)
