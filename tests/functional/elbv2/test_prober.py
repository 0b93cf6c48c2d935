"""A health check goes on whatever happens to it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.elbv2.sample import CHECK as HTTP

from underpass.twin.region.certificates import Authority
from underpass.twin.services.elbv2.health import HEALTHY, CheckKey, HealthTable, TargetKey
from underpass.twin.services.elbv2.prober import Prober

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
        if table.observed(key) == HEALTHY:
            healthy.set()

    prober = Prober(table, open_socket, changed)
    prober.start()
    table.keep([key], {})
    prober.watch({key: CHECK})
    assert healthy.wait(20)
    prober.stop()
    assert not faults


@pytest.fixture
def lingering(tmp_path: Path) -> Iterator[int]:
    """Serve HTTPS on a port of loopback, answer every request and close no connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path).issue(["target"]))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            held = []
            with contextlib.suppress(OSError):  # closed: the test is over
                while True:
                    held.append(context.wrap_socket(server.accept()[0], server_side=True))
                    held[-1].recv(4096)
                    held[-1].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_target_that_closes_no_connection_stays_healthy(lingering: int) -> None:
    """The descriptor of a connection that ends is used again at once, by the next check."""
    key = CheckKey(TargetKey("group", "127.0.0.1", lingering), "127.0.0.1", "eni-1")
    table, asked, observed = HealthTable(), threading.Semaphore(0), []

    def open_socket(_: str) -> socket.socket:
        asked.release()
        return socket.socket()

    prober = Prober(table, open_socket, lambda: observed.append(table.observed(key)))
    prober.start()
    table.keep([key], {})
    prober.watch({key: replace(HTTP, protocol="HTTPS", interval_s=1, unhealthy_threshold=1)})
    for _ in range(4):
        assert asked.acquire(timeout=20)
    prober.stop()
    assert observed == [HEALTHY]
