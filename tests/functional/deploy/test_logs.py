"""The log as several tasks write it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeClock

from underpass.deploy.observe import logs

START = datetime.fromtimestamp(int(time.time()) - 60, UTC)


class Log:
    """The application's log group, to write to."""

    def __init__(self, client: Any) -> None:
        self.client = client
        client.create_log_group(logGroupName="/underpass/notes/service")
        self.streams: set[str] = set()

    def write(self, task: str, text: str, at_s: float, container: str = "notes") -> None:
        stream = f"{container}/{container}/{task}"
        where = {"logGroupName": "/underpass/notes/service", "logStreamName": stream}
        if stream not in self.streams:
            self.client.create_log_stream(**where)
            self.streams.add(stream)
        moment = int((START + timedelta(seconds=at_s)).timestamp() * 1000)
        self.client.put_log_events(**where, logEvents=[{"timestamp": moment, "message": text}])


@pytest.fixture
def log(client: Callable[[str], Any]) -> Log:
    return Log(client("logs"))


def test_lines_of_all_tasks_come_in_the_order_they_were_written(log: Log) -> None:
    log.write("aaa", "second\n", 2)
    log.write("bbb", "first", 1)
    log.write("bbb", "third", 3)
    found = list(logs.read(log.client, "notes"))
    assert [(line.task, line.text) for line in found] == [
        ("bbb", "first"),
        ("aaa", "second"),
        ("bbb", "third"),
    ]
    assert found[0].time == START + timedelta(seconds=1)


def test_a_task_and_a_time_narrow_them(log: Log) -> None:
    for number in range(4):
        log.write("aaa", f"a{number}", number)
        log.write("bbb", f"b{number}", number)
    since = START + timedelta(seconds=2)
    assert [line.text for line in logs.read(log.client, "notes", task="a", since=since)] == [
        "a2",
        "a3",
    ]


def test_following_gives_each_line_once_and_ends_when_stopped(log: Log) -> None:
    class Writing(FakeClock):
        def pause(self, seconds: float) -> None:
            super().pause(seconds)
            if len(self.pauses) == 1:
                log.write("bbb", "same moment", 1)
            elif len(self.pauses) == 2:
                log.write("aaa", "later", 5)
            elif len(self.pauses) == 3:
                log.write("bbb", "shown late", 4)
            elif len(self.pauses) == 4:
                self.stop()

    log.write("aaa", "first", 1)
    followed = logs.follow(log.client, "notes", Writing())
    assert [line.text for line in islice(followed, 10)] == [
        "first",
        "same moment",
        "later",
        "shown late",
    ]


def test_an_application_that_has_no_log_yet_has_no_lines(client: Callable[[str], Any]) -> None:
    assert list(logs.read(client("logs"), "notes")) == []
    assert logs.tail(client("logs"), "notes", "aaa") == ()


def test_the_tail_is_of_one_task_and_of_its_end(log: Log) -> None:
    for number in range(30):
        log.write("aaa", f"line {number}\n", number)
    log.write("bbb", "other", 40)
    assert logs.tail(log.client, "notes", "aaa", 3) == ("line 27", "line 28", "line 29")
    assert logs.tail(log.client, "notes", "ccc") == ()


def test_each_line_says_which_container_wrote_it_and_one_can_be_asked_for(log: Log) -> None:
    log.write("aaa", "served", 1)
    log.write("aaa", "collected", 2, "otel")
    log.write("bbb", "collected too", 3, "otel")
    lines = list(logs.read(log.client, "notes"))
    assert [line.container for line in lines] == ["notes", "otel", "otel"]
    only = logs.read(log.client, "notes", task="a", container="otel")
    assert [line.text for line in only] == ["collected"]
    assert logs.tail(log.client, "notes", "aaa", program="otel") == ("collected",)
