"""Whether what is there already is there, and can be used: the key, the bucket, the topic, the boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.deploy.target import Target
from underpass.errors import UsageError

_GONE = {"404", "NoSuchBucket", "NoSuchEntity", "NotFound", "NotFoundException"}
_ELSEWHERE = {"301", "PermanentRedirect"}


def check(target: Target, config: Config) -> tuple[str, ...]:
    """Return what to warn of: what the caller may not look at.

    Raises
    ------
    UsageError
        When something is not there, or AWS would refuse it.
    """
    warnings = []
    if arn := config.permissions_boundary:
        warnings += _boundary(target, arn)
    if arn := config.kms_key:
        found, said = _asked(lambda: target.client("kms").describe_key(KeyId=arn), "kms_key", arn)
        warnings += said
        _key(found.get("KeyMetadata", {}), arn)
    if named := config.log_bucket:
        name = named.partition("/")[0]
        found, said = _asked(
            lambda: target.client("s3").head_bucket(Bucket=name), "log_bucket", name
        )
        warnings += said
        if found.get("BucketRegion", config.region) != config.region:
            raise _elsewhere(name, config.region)
    if arn := config.alarms.topic:
        sns = target.client("sns")
        _, said = _asked(lambda: sns.get_topic_attributes(TopicArn=arn), "[alarms] topic", arn)
        warnings += said
    return tuple(warnings)


def _boundary(target: Target, arn: str) -> list[str]:
    account, own = arn.split(":")[4], target.client("sts").get_caller_identity()["Account"]
    if account not in {"aws", own}:
        raise UsageError(
            f"permissions_boundary is of account {account}",
            f"the roles are of {own}, and a boundary is of the roles' own account",
            "name a policy of that account, or deploy with credentials of the other",
        )
    iam = target.client("iam")
    return _asked(lambda: iam.get_policy(PolicyArn=arn), "permissions_boundary", arn)[1]


def _key(found: dict[str, Any], arn: str) -> None:
    state, spec = found.get("KeyState", "Enabled"), found.get("KeySpec", "SYMMETRIC_DEFAULT")
    if (state, spec) != ("Enabled", "SYMMETRIC_DEFAULT"):
        raise UsageError(
            "kms_key cannot encrypt what is kept",
            f"{arn} is {state} and {spec}: it has to be Enabled and SYMMETRIC_DEFAULT",
            "name another, or leave kms_key out: underpass then makes one",
        )


def _asked(ask: Callable[[], Any], key: str, named: str) -> tuple[dict[str, Any], list[str]]:
    try:
        return ask(), []
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _GONE:
            raise UsageError(
                f"{key}: there is no {named}",
                "it is used as it is, and not made",
                f"change {key}, or leave it out",
            ) from error
        if code in _ELSEWHERE:
            raise _elsewhere(named, "") from error
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403 and "Denied" not in code:
            raise
        return {}, [f"{key}: whether {named} can be used is not known: {error}"]


def _elsewhere(bucket: str, region: str) -> UsageError:
    where = f" than {region}" if region else ""
    return UsageError(
        f"log_bucket: {bucket} is in another region{where}",
        "a load balancer logs to a bucket of its own region",
        "name one of that region, or leave log_bucket out",
    )
