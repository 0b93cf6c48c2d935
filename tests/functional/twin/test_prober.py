"""A health check goes on whatever happens to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from underpass.twin.balancers.checks.prober import Prober
from underpass.twin.balancers.health import HEALTHY, CheckKey, HealthTable, TargetKey
from underpass.twin.balancers.model import HealthCheck

CHECK = HealthCheck(
    protocol="TCP",
    port=0,
    path="/",
    matcher="200",
    interval_s=10,
    timeout_s=5,
    healthy_threshold=2,
    unhealthy_threshold=2,
)


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
