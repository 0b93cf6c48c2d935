"""What counts as an answer of the application, by its protocol and its health check."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.twin.elbv2.h2_server import H2Server

from underpass.config.model import Service
from underpass.twin.host.asking import ask
from underpass.twin.region.certificates import Authority


def service(**more: Any) -> Service:
    return Service.model_validate({"port": 80, "build": ".", **more})


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def plain() -> Iterator[tuple[str, int]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "127.0.0.1", server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("check", "status", "works"),
    [
        ({}, 302, True),
        ({}, 404, False),
        ({"codes": "404"}, 404, True),
        ({"port": 81}, 404, True),  # the path is another port's
        ({"port": 81}, 503, False),
    ],
)
def test_an_answer_is_what_the_check_says(
    plain: tuple[str, int], check: dict[str, Any], status: int, works: bool
) -> None:
    found = ask(service(health_check=check), plain, "n", f"/{status}", secure=False)
    assert found == (works, f"HTTP {status}")


def served(tmp_path: Path, **more: Any) -> tuple[H2Server, tuple[str, int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority(tmp_path).issue(["n"]))
    context.set_alpn_protocols(["h2"])
    listening = socket.create_server(("127.0.0.1", 0))
    return H2Server(listening, "n", tls=context, **more), listening.getsockname()


def test_http2_is_asked_in_http2(tmp_path: Path) -> None:
    server, address = served(tmp_path)
    two = service(protocol="http2")
    assert ask(two, address, "n", "/", secure=True) == (True, "HTTP 200")
    server.status = 503
    assert ask(two, address, "n", "/", secure=True) == (False, "HTTP 503")
    assert server.protocols == {"h2"}


def test_grpc_is_asked_by_a_method(tmp_path: Path) -> None:
    server, address = served(tmp_path, grpc=True)
    grpc = service(protocol="grpc")
    assert ask(grpc, address, "n", "/a.B/C", secure=True) == (True, "gRPC status 12")
    server.code = 14
    assert ask(grpc, address, "n", "/a.B/C", secure=True) == (False, "gRPC status 14")


def test_what_speaks_another_protocol_is_told(tmp_path: Path) -> None:
    _, address = served(tmp_path)
    works, seen = ask(service(protocol="grpc"), address, "n", "/a.B/C", secure=True)
    assert (works, seen) == (False, "no gRPC in an answer of HTTP 200")
    works, seen = ask(service(), address, "n", "/", secure=True)
    assert not works
    assert seen
