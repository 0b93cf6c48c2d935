"""The API server publishes what changed, and only that, and does not answer web pages."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.topics import Topic


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
    Listener(Api(feed, moto_application()), bound).start()
    return feed, Clients(f"http://127.0.0.1:{port}", "us-east-1")


@pytest.mark.parametrize(
    ("service", "write", "read"),
    [
        ("ec2", lambda c: c.create_vpc(CidrBlock="10.0.0.0/16"), lambda c: c.describe_vpcs()),
        ("ecs", lambda c: c.create_cluster(clusterName="a"), lambda c: c.list_clusters()),
        ("s3", lambda c: c.create_bucket(Bucket="a-bucket"), lambda c: c.list_buckets()),
        ("iam", lambda c: c.create_user(UserName="a"), lambda c: c.list_users()),
    ],
)
def test_only_changes_are_published(
    api: tuple[Recorder, Clients], service: str, write: Any, read: Any
) -> None:
    feed, clients = api
    feed.published.clear()
    read(clients(service))
    assert feed.published == []
    write(clients(service))
    assert feed.published == [service]


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
