"""What the configuration says is there already, on the twin: it makes the like, once, in its own account.

A key, a topic and a policy have the twin's account in their ARNs, so the configuration is told those.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.twin.region.aws import ACCOUNT_ID, Clients

_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def ensure(clients: Clients, config: Config) -> Config:
    """Return the configuration with the ids there are here; what it names is made where it is missing."""
    found: dict[str, Any] = {}
    if config.kms_key:
        found["kms_key"] = _key(clients("kms"), config.kms_key)
    if config.permissions_boundary:
        found["permissions_boundary"] = _policy(clients("iam"), config.permissions_boundary)
    if config.log_bucket:
        _bucket(clients("s3"), config.log_bucket)
    if topic := config.alarms.topic:
        arn = clients("sns").create_topic(Name=topic.split(":")[5])["TopicArn"]
        found["alarms"] = config.alarms.model_copy(update={"topic": arn})
    return config.model_copy(update=found)


def _key(kms: Any, arn: str) -> str:
    """Return the key that stands for ``arn``, which a name tells: a key's id cannot be chosen."""
    alias = f"alias/stands-for/{arn.rpartition('/')[2]}"

    def make() -> None:
        key_id = kms.create_key(Description=f"stands for {arn}")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)

    return str(_existing(lambda: kms.describe_key(KeyId=alias), make)["KeyMetadata"]["Arn"])


def _policy(iam: Any, arn: str) -> str:
    if arn.split(":")[4] == "aws":
        return arn
    *start, named = arn.split(":")
    here = ":".join([*start[:-1], ACCOUNT_ID, named])
    path, _, name = named.removeprefix("policy").rpartition("/")
    document = json.dumps({"Version": "2012-10-17", "Statement": [_EVERYTHING]})
    _existing(
        lambda: iam.get_policy(PolicyArn=here),
        lambda: iam.create_policy(PolicyName=name, Path=f"{path}/", PolicyDocument=document),
    )
    return here


def _bucket(s3: Any, named: str) -> None:
    name, _, prefix = named.partition("/")
    folder = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/{folder}/{ACCOUNT_ID}/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def make() -> None:
        elsewhere = s3.meta.region_name != "us-east-1"
        where = {"LocationConstraint": s3.meta.region_name}
        s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if elsewhere else {}))

    _existing(lambda: s3.head_bucket(Bucket=name), make)
    s3.put_bucket_policy(Bucket=name, Policy=document)


def _existing(look: Callable[[], Any], make: Callable[[], object]) -> Any:
    """Return what ``look`` finds, which is made first where it is missing."""
    try:
        return look()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] not in {400, 404}:
            raise
    make()
    return look()
