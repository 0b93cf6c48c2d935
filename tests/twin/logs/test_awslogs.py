"""The log pump with real pipes and processes: everything arrives, and nobody waits for the API."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from underpass.twin.services.logs.awslogs import Destination, Logs

WHERE = Destination("group", "app/app/1")


class Cloud:
    """A CloudWatch Logs that keeps what it is sent; ``open`` lets calls through."""

    class exceptions:  # noqa: N801  as boto3 names it
        class ResourceAlreadyExistsException(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.failures = 0
        self.streams: list[str] = []
        self.events: list[dict[str, Any]] = []

    def create_log_stream(self, logGroupName: str, logStreamName: str) -> None:
        if logStreamName in self.streams:
            raise self.exceptions.ResourceAlreadyExistsException
        self.streams.append(logStreamName)

    def put_log_events(self, logEvents: list[dict[str, Any]], **_: str) -> None:
        self.open.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("not now")
        self.events += logEvents


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def logs(cloud: Cloud) -> Iterator[Logs]:
    pump = Logs(lambda: cloud).start()
    yield pump
    cloud.open.set()
    pump.stop()


def printing(logs: Logs, code: str) -> tuple[Any, subprocess.Popen[bytes]]:
    stream, output = logs.open(WHERE)
    try:
        return stream, subprocess.Popen([sys.executable, "-c", code], stdout=output, stderr=output)
    finally:
        os.close(output)


def test_all_lines_of_a_process_that_prints_much_and_ends_arrive_in_order(
    logs: Logs, cloud: Cloud
) -> None:
    stream, process = printing(
        logs, "for n in range(100_000): print('line', n)\nprint('last', end='')"
    )
    process.wait()
    logs.finish(stream, 20)
    assert [event["message"] for event in cloud.events] == [
        *(f"line {n}" for n in range(100_000)),
        "last",
    ]
    stamps = [event["timestamp"] for event in cloud.events]
    assert stamps == sorted(stamps)
    assert cloud.streams == ["app/app/1"]


def test_an_api_that_does_not_answer_holds_nobody_up(logs: Logs, cloud: Cloud) -> None:
    cloud.open.clear()
    stream, process = printing(logs, "for n in range(20_000): print('x' * 100)")
    process.wait(timeout=20)
    assert not cloud.events
    cloud.open.set()
    logs.finish(stream, 20)
    assert len(cloud.events) == 20_000


def test_a_call_that_fails_is_made_again(logs: Logs, cloud: Cloud) -> None:
    cloud.failures = 1
    stream, process = printing(logs, "print('once')")
    process.wait()
    logs.finish(stream, 10)
    assert [event["message"] for event in cloud.events] == ["once"]


def test_a_stream_that_exists_is_written_on(logs: Logs, cloud: Cloud) -> None:
    for word in ("one", "two"):
        stream, process = printing(logs, f"print({word!r})")
        process.wait()
        logs.finish(stream)
    assert [event["message"] for event in cloud.events] == ["one", "two"]


def test_lines_arrive_while_the_process_runs(logs: Logs, cloud: Cloud) -> None:
    stream, process = printing(logs, "import time\nprint('now', flush=True)\ntime.sleep(60)")
    deadline = time.monotonic() + 20
    while not cloud.events and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    logs.finish(stream)
    assert [event["message"] for event in cloud.events] == ["now"]
