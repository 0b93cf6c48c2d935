"""Nothing that waits keeps the API from answering: a poll, a body that trickles in."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from underpass.twin.api import patch
from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import INSIDE, Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.services.sns import patches as sns_api
from underpass.twin.services.sqs import patches as sqs_api

LONG_S = 20


@pytest.fixture(scope="module")
def clients() -> Clients:
    patch.apply(sqs_api, sns_api)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    Listener(Api(ChangeFeed(), moto_application()), bound).start()
    return Clients(url, "us-east-1")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as made:
        yield made


class Queue:
    """A queue of its own."""

    def __init__(self, clients: Clients, name: str, **attributes: str) -> None:
        self.sqs = clients("sqs")
        self.name = name
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        got = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = got["Attributes"]["QueueArn"]

    def send(self, body: str, **more: Any) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def receive(self, wait_s: int = 0, **more: Any) -> list[Any]:
        got = self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=wait_s, **more)
        found: list[Any] = got.get("Messages", [])
        return found

    def poll(self, pool: ThreadPoolExecutor, **more: Any) -> Future[list[Any]]:
        """Start a long poll, and return when it waits."""
        before = _waiting()
        polled = pool.submit(self.receive, LONG_S, **more)
        while _waiting() == before and not polled.done():
            time.sleep(0.01)
        return polled


def _waiting() -> int:
    return len(sqs_api._CHANGED._waiters)  # type: ignore[attr-defined]


def bodies(polled: Future[list[Any]]) -> list[str]:
    """Return what a poll brought, which must be before its time is over."""
    return [message["Body"] for message in polled.result(LONG_S / 2)]


def test_ten_polls_and_a_body_that_trickles_hold_nobody_up(
    clients: Clients, pool: ThreadPoolExecutor
) -> None:
    clients("s3").create_bucket(Bucket="slow")
    host = clients.endpoint_url.removeprefix("http://")
    upload = http.client.HTTPConnection(host)
    upload.putrequest("PUT", "/slow/key")
    upload.putheader("Content-Length", "1000000")
    upload.endheaders(b"1")
    queues = [Queue(clients, f"busy{number}") for number in range(10)]
    ecs = clients("ecs")
    polls = [pool.submit(queue.receive, LONG_S) for queue in queues]
    while _waiting() < 10:
        time.sleep(0.01)
    for _ in range(3):
        ecs.list_clusters()
    assert not any(poll.done() for poll in polls), "they all still wait"
    for queue in queues:
        queue.send("here")
    assert [bodies(poll) for poll in polls] == [["here"]] * 10
    upload.close()
    assert clients("s3").list_objects_v2(Bucket="slow")["KeyCount"] == 0, "only half of it came"


def test_whatever_brings_a_message_ends_a_poll(clients: Clients, pool: ThreadPoolExecutor) -> None:
    queue = Queue(clients, "ends", VisibilityTimeout="600")
    sns, sqs = clients("sns"), clients("sqs")
    topic = sns.create_topic(Name="ends")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=raw)

    polled = queue.poll(pool)
    entries = [{"Id": "1", "MessageBody": "in a batch"}]
    sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
    assert bodies(polled) == ["in a batch"]

    polled = queue.poll(pool)
    handle = polled
    sns.publish(TopicArn=topic, Message="from a topic")
    assert bodies(polled) == ["from a topic"]

    polled = queue.poll(pool)
    (message,) = handle.result()
    sqs.change_message_visibility(
        QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    assert bodies(polled) == ["from a topic"]

    polled = queue.poll(pool)
    queue.send("late", DelaySeconds=1)
    assert bodies(polled) == ["late"]


def test_a_message_that_is_seen_again_ends_a_poll(
    clients: Clients, pool: ThreadPoolExecutor
) -> None:
    queue = Queue(clients, "again", VisibilityTimeout="2")
    queue.send("again")
    assert queue.receive()
    assert bodies(queue.poll(pool)) == ["again"]


def test_what_was_given_up_on_ends_a_poll_of_the_dead_letter_queue(
    clients: Clients, pool: ThreadPoolExecutor
) -> None:
    dead = Queue(clients, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    queue = Queue(clients, "source", VisibilityTimeout="1", RedrivePolicy=redrive)
    queue.send("bad")
    assert queue.receive()
    polled = dead.poll(pool)
    assert queue.receive(5) == []
    assert bodies(polled) == ["bad"]


def test_a_message_group_that_is_free_again_ends_a_poll(
    clients: Clients, pool: ThreadPoolExecutor
) -> None:
    queue = Queue(clients, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in "ab":
        queue.send(body, MessageGroupId="one")
    (first,) = queue.receive(MaxNumberOfMessages=1)
    polled = queue.poll(pool)
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(polled) == ["b"]


def test_a_queue_that_is_deleted_ends_its_polls(clients: Clients, pool: ThreadPoolExecutor) -> None:
    queue = Queue(clients, "gone")
    polled = queue.poll(pool)
    queue.sqs.delete_queue(QueueUrl=queue.url)
    with pytest.raises(ClientError, match=r"NonExistentQueue|QueueDoesNotExist"):
        polled.result(LONG_S / 2)


def test_the_queues_own_waiting_time_counts(clients: Clients) -> None:
    queue = Queue(clients, "own", ReceiveMessageWaitTimeSeconds="1")
    began = time.monotonic()
    assert "Messages" not in queue.sqs.receive_message(QueueUrl=queue.url)
    assert time.monotonic() - began >= 1


def test_a_caller_that_hangs_up_takes_no_message_with_it(clients: Clients) -> None:
    queue = Queue(clients, "hung-up", VisibilityTimeout="600")
    before = _waiting()
    line = http.client.HTTPConnection(clients.endpoint_url.removeprefix("http://"))
    line.request(
        "POST",
        "/",
        json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": LONG_S}),
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={INSIDE.access_key_id}/20260101/us-east-1"
            "/sqs/aws4_request, SignedHeaders=host, Signature=0",
        },
    )
    while _waiting() == before:
        time.sleep(0.01)
    assert line.sock
    line.sock.shutdown(socket.SHUT_RDWR)
    line.close()
    ends = time.monotonic() + LONG_S / 2
    while _waiting() > before:
        assert time.monotonic() < ends, "it still waits"
        time.sleep(0.01)
    queue.send("kept")
    assert [one["Body"] for one in queue.receive()] == ["kept"]


def test_the_time_a_message_is_hidden_is_the_applications_own(clients: Clients) -> None:
    queue = Queue(clients, "work", VisibilityTimeout="30", MessageRetentionPeriod="60")
    queue.send("once")
    assert queue.receive()
    assert queue.receive(4) == [], "30 s of the twin's clock are 1.5 s; this is not its time"


def test_the_registrars_queue_keeps_up_with_its_schedule(clients: Clients) -> None:
    name = "notes-path-RegistrarQueue-0123456789ab"
    queue = Queue(clients, name, VisibilityTimeout="30", MessageRetentionPeriod="60")
    queue.send("again")
    assert queue.receive()
    assert len(queue.receive(2)) == 1


def test_a_topic_that_would_call_the_api_back_is_refused(clients: Clients) -> None:
    sns = clients("sns")
    topic = sns.create_topic(Name="back")["TopicArn"]
    with pytest.raises(ClientError, match="Protocol http does not work on the twin"):
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=clients.endpoint_url)
    sns.publish(TopicArn=topic, Message="to nobody")


def test_the_poll_of_a_workflow_holds_nobody_up(pool: ThreadPoolExecutor) -> None:
    waits, over = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start: Any) -> list[bytes]:
        if "/states/" in environ["HTTP_AUTHORIZATION"]:
            waits.set()
            over.wait(LONG_S)
        start("200 OK", [])
        return [b"{}"]

    api = Api(ChangeFeed(), application)

    def ask(service: str) -> list[bytes]:
        scope = f"AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request, "
        environ = {"HTTP_AUTHORIZATION": scope, "HTTP_X_AMZ_TARGET": "A.GetActivityTask"}
        return list(api({"wsgi.input": io.BytesIO(), **environ}, lambda *_: None))

    polled = pool.submit(ask, "states")
    assert waits.wait(LONG_S)
    assert ask("ecs") == [b"{}"]
    assert not polled.done()
    over.set()
    assert polled.result(LONG_S) == [b"{}"]


def test_threads_of_polls_end(clients: Clients, pool: ThreadPoolExecutor) -> None:
    queue = Queue(clients, "ended")
    queue.poll(pool)
    queue.send("x")
    ends = time.monotonic() + LONG_S / 2
    while _waiting():
        assert time.monotonic() < ends
        time.sleep(0.01)
    assert threading.active_count() < 64
