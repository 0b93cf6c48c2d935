"""A door carries bytes both ways and tries the next candidate when one is shut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from underpass.twin.region.port_forward import PortForward


@pytest.fixture
def echo() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    data = b""
                    while chunk := caller.recv(65536):
                        data += chunk
                    caller.sendall(data[::-1])

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def _listening() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    return bound


def test_bytes_go_through_and_half_closing_is_kept(echo: int) -> None:
    shut = socket.create_server(("127.0.0.1", 0))
    shut_port = shut.getsockname()[1]
    shut.close()
    bound = _listening()
    port = bound.getsockname()[1]
    PortForward().start().open(
        "a",
        bound,
        lambda: [
            (socket.socket(), ("127.0.0.1", shut_port)),
            (socket.socket(), ("127.0.0.1", echo)),
        ],
    )
    sent = bytes(range(256)) * 4096
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(sent)
        caller.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := caller.recv(65536):
            received += chunk
    assert received == sent[::-1]


def test_a_door_that_leads_nowhere_closes_the_connection() -> None:
    bound = _listening()
    port = bound.getsockname()[1]
    PortForward().start().open("a", bound, list)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        assert caller.recv(1) == b""
