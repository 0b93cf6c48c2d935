"""A health check goes on whatever happens to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.unit.balancers.sample import CHECK as HTTP

from underpass.twin.balancers.checks.prober import Prober
from underpass.twin.balancers.health import HEALTHY, CheckKey, HealthTable, TargetKey

CHECK = replace(HTTP, protocol="TCP")


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_check_survives_what_nobody_thought_of(listening: int) -> None:
    key = CheckKey(TargetKey("group", "127.0.0.1", listening), "127.0.0.1", "eni-1")
    table, healthy, faults = HealthTable(), threading.Event(), [RuntimeError("no more threads")] * 2

    def open_socket(_: str) -> socket.socket:
        if faults:
            raise faults.pop()
        return socket.socket()

    def changed() -> None:
        if table.seen(key) == HEALTHY:
            healthy.set()

    prober = Prober(table, open_socket, changed)
    prober.start()
    table.keep([key], {})
    prober.watch({key: CHECK})
    assert healthy.wait(20)
    prober.stop()
    assert not faults
