"""One question to the application, through a consumer's port forward, in the protocol that it speaks."""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import closing

from underpass.config.model import Service
from underpass.twin.region import http2

TIMEOUT_S = 5
_FIRST_ERROR, _FIRST_OF_SERVERS = 400, 500


def ask(
    service: Service, address: tuple[str, int], host: str, path: str, *, secure: bool
) -> tuple[bool, str]:
    """Return whether it answers, and what was seen; a redirect is an answer, as to the ALB.

    Where the path is that of another port, which no consumer reaches, whatever the application says of it is
    an answer: the ALB says more than that of tasks that are not well.
    """
    try:
        if service.protocol == "http1":
            status = _in_http1(address, host, path, secure=secure)
        else:
            status = _in_http2(address, host, path, grpc=service.protocol == "grpc")
    except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
        return False, str(error) or type(error).__name__
    elsewhere = service.health_port != service.port
    if service.protocol == "grpc":
        works = elsewhere or _is_one_of(service.health_codes, status)
        return works, f"gRPC status {status}"
    works = status < (_FIRST_OF_SERVERS if elsewhere else _FIRST_ERROR)
    return works or _is_one_of(service.health_codes, status), f"HTTP {status}"


def _in_http1(address: tuple[str, int], host: str, path: str, *, secure: bool) -> int:
    with closing(
        http.client.HTTPSConnection(*address, timeout=TIMEOUT_S, context=_unverified())
        if secure
        else http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
    ) as line:
        line.request("GET", path, headers={"Host": host})
        return line.getresponse().status


def _in_http2(address: tuple[str, int], host: str, path: str, *, grpc: bool) -> int:
    context, answer = _unverified(), http2.Answer()
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(address, timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as line,
    ):
        line.sendall(http2.request(path, host, "underpass", secure=True, grpc=grpc))
        while not answer.ended:
            data = line.recv(1 << 16)
            if not data:
                raise EOFError("the connection was closed")
            line.sendall(answer.feed(data))
    if not grpc:
        return answer.status
    if answer.grpc_status is None:
        raise ValueError(f"no gRPC in an answer of HTTP {answer.status}")
    return answer.grpc_status


def _unverified() -> ssl.SSLContext:
    """Return TLS without the world's authorities, which take 50 ms to read: the twin's own issued it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _is_one_of(codes: str, status: int) -> bool:
    ranges = [part.partition("-") for part in codes.split(",")]
    return any(int(low) <= status <= int(high or low) for low, _, high in ranges)
