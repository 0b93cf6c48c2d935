"""Functions that read queues: Lambda's pollers, one for each event source mapping.

A poller invokes its function with one batch at a time and waits for the answer; in AWS that is so for each
message group of a FIFO queue, while other queues have several at work. Messages of a batch that failed are
seen again when their visibility timeout is over, or not at all when their life is.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Worker

_MOST_AT_ONCE = 10  # messages in one answer of SQS; Lambda asks several times for a larger batch
_AGAIN_S = 1.0  # as long as something is hidden that may be seen again


@dataclass(frozen=True)
class Mapped:
    """An enabled event source mapping."""

    id: str
    queue_arn: str
    function_arn: str
    batch_size: int


class Queues:
    """The controller of the pollers."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.LAMBDA,)

    def __init__(self, region: Region) -> None:
        self._region = region
        self._pollers: dict[Mapped, Poller] = {}
        self._lock = threading.Lock()

    def reconcile(self) -> None:
        """Have one poller for each mapping there is."""
        wanted = set(self._observe())
        with self._lock:
            for mapped in self._pollers.keys() - wanted:
                self._pollers.pop(mapped).stop()
            for mapped in wanted - self._pollers.keys():
                # Known before it starts: what is sent while it looks for the first time wakes it too.
                self._pollers[mapped] = Poller(self._region, mapped)
                self._pollers[mapped].start()

    def arrived(self, queue_arn: str) -> None:
        """Say that a message was sent; returns at once."""
        for mapped, poller in tuple(self._pollers.items()):
            if mapped.queue_arn == queue_arn:
                poller.wake()

    def stop(self) -> None:
        """End every poller after its batch."""
        with self._lock:
            for poller in self._pollers.values():
                poller.stop()

    def _observe(self) -> Iterable[Mapped]:
        pages = self._region.clients("lambda").get_paginator("list_event_source_mappings")
        for page in pages.paginate():
            for one in page["EventSourceMappings"]:
                if one["State"] == "Enabled":
                    arn, function = one["EventSourceArn"], one["FunctionArn"]
                    yield Mapped(one["UUID"], arn, function, min(one["BatchSize"], _MOST_AT_ONCE))


class Poller:
    """Reads one queue for one function, in a thread of its own."""

    def __init__(self, region: Region, mapped: Mapped) -> None:
        self._region = region
        self._mapped = mapped
        self._woken = threading.Event()
        self._hidden = False  # whether some message may be seen again
        self._again_s: float | None = None
        self._worker = Worker("queue-poller", self._run, self.wake, settled_s=float("inf"))

    def start(self) -> None:
        """Start reading, with what is there already."""
        self._woken.set()
        self._worker.start()

    def wake(self) -> None:
        """Say that there may be messages."""
        self._woken.set()

    def stop(self) -> None:
        """End after the batch under way."""
        self._worker.stop(timeout_s=0.0)

    def _run(self) -> None:
        self._woken.wait(self._again_s)
        self._woken.clear()
        if self._worker.stopping.is_set():
            return
        self._again_s = (
            _AGAIN_S  # also when it raises: a queue or a function that is gone may come again
        )
        self._again_s = self._drain()

    def _drain(self) -> float | None:
        """Invoke the function until nothing is visible; return when to look again, if ever."""
        sqs = self._region.clients("sqs")
        name = self._mapped.queue_arn.rpartition(":")[2]
        url = f"{self._region.clients.endpoint_url}/{ACCOUNT_ID}/{name}"
        while not self._worker.stopping.is_set():
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=self._mapped.batch_size, AttributeNames=["All"]
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            if self._invoke(messages):
                handles = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ]
                sqs.delete_message_batch(QueueUrl=url, Entries=handles)
                self._hidden = False
            else:
                self._hidden = True
        if self._hidden:
            hidden = "ApproximateNumberOfMessagesNotVisible"
            left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[hidden])["Attributes"]
            self._hidden = int(left[hidden]) > 0
        return _AGAIN_S if self._hidden else None

    def _invoke(self, messages: Iterable[Mapping[str, Any]]) -> bool:
        """Invoke the function with a batch and tell whether it did its work."""
        event = {"Records": [self._record(message) for message in messages]}
        answer = self._region.clients("lambda").invoke(
            FunctionName=self._mapped.function_arn, Payload=json.dumps(event).encode()
        )
        return "FunctionError" not in answer

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._mapped.queue_arn,
            "awsRegion": self._region.name,
        }
