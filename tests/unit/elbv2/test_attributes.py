"""An ALB logs only to a bucket that lets Elastic Load Balancing write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.s3.models import s3_backends
from tests.unit.elbv2.conftest import REGION, Apis

from underpass.twin.region.aws import ACCOUNT_ID

NAME = "access-logs-of-a-test"


@pytest.fixture
def bucket() -> Any:
    """Return a bucket without a policy."""
    backend = s3_backends[ACCOUNT_ID]["aws"]
    made = backend.create_bucket(NAME, REGION)
    yield made
    backend.delete_bucket(NAME)


def log(apis: Apis, **more: str) -> None:
    balancer = apis.balancer("application")["LoadBalancerArn"]
    wanted = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": NAME} | {
        f"access_logs.s3.{key}": value for key, value in more.items()
    }
    apis.elb.modify_load_balancer_attributes(
        LoadBalancerArn=balancer,
        Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()],
    )


def admit(bucket: Any, folder: str, source: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{NAME}/{folder}/{ACCOUNT_ID}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    bucket.policy = json.dumps({"Statement": [statement]}).encode()


ANY = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT_ID}:loadbalancer/*"


def test_an_open_bucket_is_logged_to(apis: Apis, bucket: Any) -> None:
    admit(bucket, "AWSLogs", ANY)
    log(apis)


def test_a_prefix_is_part_of_the_path(apis: Apis, bucket: Any) -> None:
    admit(bucket, "notes/AWSLogs", ANY)
    log(apis, prefix="notes")


@pytest.mark.parametrize(
    ("folder", "source"), [("logs", ANY), ("AWSLogs", ANY.replace(ACCOUNT_ID, "2" * 12))]
)
def test_a_closed_bucket_is_refused(apis: Apis, bucket: Any, folder: str, source: str) -> None:
    admit(bucket, folder, source)
    with pytest.raises(ClientError, match="Access Denied for bucket"):
        log(apis)


@pytest.mark.usefixtures("bucket")
def test_a_bucket_without_a_policy_is_refused(apis: Apis) -> None:
    with pytest.raises(ClientError, match="Access Denied for bucket"):
        log(apis)


def test_a_bucket_that_is_not_there_is_refused(apis: Apis) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        log(apis)
