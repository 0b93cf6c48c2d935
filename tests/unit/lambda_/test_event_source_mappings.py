"""The pollers of queues: no message is left because it came at the wrong moment."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

from underpass.twin.services.lambda_.event_source_mappings import Queues

QUEUE = "arn:aws:sqs:us-east-1:123456789012:work"
MAPPING = {
    "UUID": "one",
    "State": "Enabled",
    "EventSourceArn": QUEUE,
    "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:worker",
    "BatchSize": 10,
}


class Region:
    """A queue that gets its message just after it was first found empty, and a function that takes it."""

    def __init__(self) -> None:
        self.name = "us-east-1"
        self.clients: Any = _Clients(self)
        self.looks = 0
        self.invoked = threading.Event()
        self.queues = Queues(self)  # type: ignore[arg-type]

    def receive_message(self, **_: Any) -> dict[str, Any]:
        self.looks += 1
        if self.looks == 1:
            self.queues.arrived(QUEUE)
        if self.looks != 2:
            return {}
        return {
            "Messages": [{"MessageId": "1", "ReceiptHandle": "r", "Body": "b", "MD5OfBody": ""}]
        }

    def invoke(self, **_: Any) -> dict[str, Any]:
        self.invoked.set()
        return {}

    def delete_message_batch(self, **_: Any) -> dict[str, Any]:
        return {}

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda: [{"EventSourceMappings": [MAPPING]}])


class _Clients:
    endpoint_url = "http://127.0.0.1"

    def __init__(self, region: Region) -> None:
        self._region = region

    def __call__(self, _: str) -> Region:
        return self._region


def test_a_message_that_comes_while_its_poller_first_looks_is_read() -> None:
    region = Region()
    before = sys.getswitchinterval()
    sys.setswitchinterval(10.0)  # the poller has looked before whoever started it goes on
    try:
        region.queues.reconcile()
        assert region.invoked.wait(5.0)
    finally:
        sys.setswitchinterval(before)
        region.queues.stop()
