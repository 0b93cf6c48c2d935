"""The ECS task metadata endpoint (version 4) and the task role's credentials, at 169.254.170.2 in each task.

Each task has its own socket in its own network, so a task can ask about itself only.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any

from underpass.twin.region.worker import Worker, once

ADDRESS, PORT = "169.254.170.2", 80
REQUEST_TIMEOUT_S = 5.0
MOST_REQUEST_BYTES = 16384

Answer = Callable[[str], Any]  # path -> a document, or None where there is nothing


class Metadata:
    """Answers on the sockets of all tasks: one thread waits, a short-lived one answers each request."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._lock = threading.Lock()
        self._worker = Worker("metadata", self._accept, self._wake)

    def start(self) -> Metadata:
        """Start answering."""
        self._worker.start()
        return self

    def add(self, listener: socket.socket, answer: Answer) -> None:
        """Answer on ``listener``, which is ours from now on."""
        listener.setblocking(False)
        with self._lock:
            self._selector.register(listener, selectors.EVENT_READ, answer)
        self._wake()

    def remove(self, listener: socket.socket) -> None:
        """Stop answering on ``listener`` and close it."""
        with self._lock:
            self._selector.unregister(listener)
            listener.close()

    def _wake(self) -> None:
        os.write(self._wake_writer, b"x")

    def _accept(self) -> None:
        for key, _ in self._selector.select():
            if key.data is None:
                os.read(self._wake_reader, 4096)
                continue
            try:
                caller, _ = key.fileobj.accept()  # type: ignore[union-attr]
            except OSError:  # the task ended meanwhile
                continue
            once("metadata-request", _serve, caller, key.data)


def _serve(caller: socket.socket, answer: Answer) -> None:
    """Answer one request and close."""
    with caller:
        caller.settimeout(REQUEST_TIMEOUT_S)
        request = b""
        try:
            while b"\r\n\r\n" not in request and len(request) < MOST_REQUEST_BYTES:
                part = caller.recv(4096)
                if not part:
                    return
                request += part
            caller.sendall(respond(request, answer))
        except OSError:
            return


def respond(request: bytes, answer: Answer) -> bytes:
    """Return the whole HTTP response to a request."""
    method, _, rest = request.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    path = rest.rpartition(" ")[0].partition("?")[0].rstrip("/")
    document = answer(path) if method == "GET" else None
    status = "200 OK" if document is not None else "404 Not Found"
    body = json.dumps(document if document is not None else {"error": f"no {path}"}).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
