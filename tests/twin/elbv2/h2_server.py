"""A task that speaks HTTP/2: with prior knowledge, or by ALPN over TLS; plain answers, or gRPC's."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable

from underpass.twin.region import hpack
from underpass.twin.region.http2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEAD,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    frame,
)

NOTHING = bytes(5)  # gRPC's empty message


class H2Server:
    """Answers with its name or, of gRPC, an empty message with ``code`` and any other by itself."""

    def __init__(
        self,
        listening: socket.socket,
        name: str,
        *,
        grpc: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.status, self.code = 200, 12
        self.protocols: set[str | None] = set()
        self._name, self._grpc, self._tls = name, grpc, tls
        self._listening = listening
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._tls:
                secure = self._tls.wrap_socket(connection, server_side=True)
                self.protocols.add(secure.selected_alpn_protocol())
                connection = secure
            with connection.makefile("rb") as stream:
                if stream.read(len(PREFACE)) == PREFACE:
                    connection.sendall(frame(SETTINGS, 0, 0))
                    self._frames(stream.read, connection)

    def _frames(self, read: Callable[[int], bytes], connection: socket.socket) -> None:
        bodies: dict[int, bytes] = {}
        while head := read(HEAD):
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            payload = read(int.from_bytes(head[:3], "big"))
            if kind in (SETTINGS, PING) and not flags & ACK:
                connection.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
            if kind in (HEADERS, DATA):
                bodies[stream] = bodies.get(stream, b"") + (payload if kind == DATA else b"")
                if flags & END_STREAM:
                    connection.sendall(self._answer(stream, bodies.pop(stream)))

    def _answer(self, stream: int, body: bytes) -> bytes:
        if not self._grpc:
            told = json.dumps({"name": self._name}).encode()
            fields = {":status": str(self.status), "content-type": "application/json"}
            head = frame(HEADERS, END_HEADERS, stream, hpack.block(fields))
            return head + frame(DATA, END_STREAM, stream, told)
        fields = {":status": "200", "content-type": "application/grpc"}
        if body == NOTHING:
            fields["grpc-status"] = str(self.code)
            return frame(HEADERS, END_HEADERS | END_STREAM, stream, hpack.block(fields))
        trailers = hpack.block({"grpc-status": "0", "x-name": self._name})
        return (
            frame(HEADERS, END_HEADERS, stream, hpack.block(fields))
            + frame(DATA, 0, stream, body)
            + frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers)
        )
