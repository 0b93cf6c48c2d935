"""The API server publishes what changed, and only that, and does not answer web pages."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.topics import Topic
from underpass.twin.services.kms import patches as kms


class Recorder(ChangeFeed):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []

    def publish(self, topic: Topic) -> None:
        self.published.append(topic)
        super().publish(topic)


@pytest.fixture(scope="module")
def api() -> tuple[Recorder, Clients]:
    feed = Recorder()
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    patch.apply(kms)
    Listener(Api(feed, moto_application()), bound).start()
    return feed, Clients(f"http://127.0.0.1:{port}", "us-east-1")


@pytest.mark.parametrize(
    ("service", "topic", "write", "read"),
    [
        (
            "ec2",
            Topic.EC2,
            lambda c: c.create_vpc(CidrBlock="10.0.0.0/16"),
            lambda c: c.describe_vpcs(),
        ),
        (
            "ecs",
            Topic.ECS,
            lambda c: c.create_cluster(clusterName="a"),
            lambda c: c.list_clusters(),
        ),
        (
            "s3",
            Topic.OTHER,
            lambda c: c.create_bucket(Bucket="a-bucket"),
            lambda c: c.list_buckets(),
        ),
        ("iam", Topic.IAM, lambda c: c.create_user(UserName="a"), lambda c: c.list_users()),
    ],
)
def test_only_changes_are_published(
    api: tuple[Recorder, Clients], service: str, topic: Topic, write: Any, read: Any
) -> None:
    feed, clients = api
    feed.published.clear()
    read(clients(service))
    assert feed.published == []
    write(clients(service))
    assert feed.published == [topic]


def test_a_refused_change_is_not_published(api: tuple[Recorder, Clients]) -> None:
    feed, clients = api
    feed.published.clear()
    with pytest.raises(Exception, match="InvalidVpcID"):
        clients("ec2").delete_vpc(VpcId="vpc-none")
    assert feed.published == []


def test_a_web_page_is_not_answered(api: tuple[Recorder, Clients]) -> None:
    import httpx

    answer = httpx.get(api[1].endpoint_url, headers={"Origin": "https://example.com"})
    assert answer.status_code == 403


def test_a_path_that_no_service_has_is_not_found(api: tuple[Recorder, Clients]) -> None:
    _, clients = api
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/xray/aws4_request"}
    url = f"{clients.endpoint_url}/nope"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", signed))
    assert caught.value.code == 404


def test_a_symmetric_key_has_no_public_half(api: tuple[Recorder, Clients]) -> None:
    client = api[1]("kms")
    for spec, usage in (
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        ("HMAC_256", "GENERATE_VERIFY_MAC"),
    ):
        key = client.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        with pytest.raises(ClientError, match="UnsupportedOperationException"):
            client.get_public_key(KeyId=key)
    pair = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
        "KeyId"
    ]
    assert client.get_public_key(KeyId=pair)["PublicKey"]
