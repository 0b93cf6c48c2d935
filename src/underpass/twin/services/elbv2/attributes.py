"""Load balancer attributes: AWS's defaults, those that can only be one way here, and the bucket of logs.

What AWS's load balancers have and the twin's do not is refused by name, never ignored. No log is written.
Source: the Elastic Load Balancing API's LoadBalancerAttribute,
elasticloadbalancing/latest/application/enable-access-logging.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.exceptions import ELBClientError, InvalidConfigurationRequest
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from underpass.policies.resource_policies import Act, policy_allows

_COMMON = {
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "ipv6.deny_all_igw_traffic": "false",
    "zonal_shift.config.enabled": "false",
}
DEFAULTS = {
    "application": {
        **_COMMON,
        "load_balancing.cross_zone.enabled": "true",
        "idle_timeout.timeout_seconds": "60",
        "client_keep_alive.seconds": "3600",
        "routing.http2.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "waf.fail_open.enabled": "false",
    },
    "network": {
        **_COMMON,
        "load_balancing.cross_zone.enabled": "false",
        "dns_record.client_routing_policy": "any_availability_zone",
    },
}

ONLY = {  # another value would change how requests go, and is refused
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
}

PUBLISHER = "logdelivery.elasticloadbalancing.amazonaws.com"


def unsupported(what: str) -> ELBClientError:
    """Return the error that says what is not supported."""
    return ELBClientError("OperationNotPermitted", f"The twin does not support {what}")


def check_only(kind: str, attributes: Mapping[str, Any], allowed: Mapping[str, str]) -> None:
    """Refuse an attribute with another value than the one the twin carries out."""
    for key, only in allowed.items():
        if attributes.get(key, only) != only:
            raise unsupported(f"the {kind} attribute {key} other than {only}")


def check_logs(balancer: Any, attributes: Mapping[str, Any]) -> None:
    """Refuse attributes that turn logs on into a bucket that is not there, or closed to the service.

    Raises
    ------
    InvalidConfigurationRequest
        As AWS words it.
    """
    if balancer.type != "application" or attributes.get("access_logs.s3.enabled") != "true":
        return
    name, prefix = attributes.get("access_logs.s3.bucket"), attributes.get("access_logs.s3.prefix")
    _, partition, _, _, account, _ = balancer.arn.split(":", 5)
    try:
        bucket = s3_backends[account][partition].get_bucket(name)
    except MissingBucket:
        raise InvalidConfigurationRequest(f"S3Bucket: {name} does not exist") from None
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
        raise InvalidConfigurationRequest(
            f"Access Denied for bucket: {name}. Please check S3bucket permission"
        )
