"""The private line between the command line and a running region: one JSON request, one JSON answer.

A Unix socket in the state folder, so that only the user who started the region can speak on it, and so
that open sockets can be handed over (``SCM_RIGHTS``): a loopback port is always bound on the host.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.region.worker import Worker, once

log = logging.getLogger(__name__)

SOCKET_NAME = "region.sock"
_LIMIT = 1 << 20
_MOST_FDS = 32

Handler = Callable[[Mapping[str, Any], Sequence[int]], Any]


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name for ``path`` that fits the 108 bytes of a Unix socket's address."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def call(
    state: Path, action: str, *, fds: Sequence[int] = (), timeout_s: float = 120, **arguments: Any
) -> Any:
    """Ask the region whose state folder is ``state`` for ``action`` and return its answer.

    Raises
    ------
    UnderpassError
        When the region refuses (its own words), or is not there.
    """
    request = json.dumps({"action": action, **arguments}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout_s)
        try:
            with _short(state / SOCKET_NAME) as name:
                line.connect(name)
            socket.send_fds(line, [request], list(fds))
            with line.makefile("rb") as answers:
                answer = json.loads(answers.readline(_LIMIT * 16) or "{}")
        except (OSError, ValueError) as error:
            raise UnderpassError(
                "the twin does not answer", f"{action}: {error}", f"see {state / 'region.log'}"
            ) from error
    if "error" in answer:
        raise UnderpassError(**answer["error"])
    if "result" not in answer:
        raise UnderpassError(
            "the twin ended while it was asked", action, f"see {state / 'region.log'}"
        )
    return answer["result"]


class ControlSocket:
    """The region's end: one handler per action."""

    def __init__(self, state: Path, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        path = state / SOCKET_NAME
        path.unlink(missing_ok=True)
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(path) as name:
            self._line.bind(name)
        path.chmod(0o600)
        self._line.listen(16)

    def start(self) -> ControlSocket:
        """Start answering, each caller in a thread of its own."""
        Worker("control", self._accept).start()
        return self

    def _accept(self) -> None:
        caller, _ = self._line.accept()
        once("control-request", self._serve, caller)

    def _serve(self, caller: socket.socket) -> None:
        with caller:
            text, fds, _, _ = socket.recv_fds(caller, _LIMIT, _MOST_FDS)
            while text and not text.endswith(b"\n"):
                more = caller.recv(_LIMIT)
                if not more:
                    return
                text += more
            if not text:
                return
            request = json.loads(text)
            try:
                answer = {"result": self._handlers[request.pop("action")](request, fds)}
            except UnderpassError as error:
                answer = {
                    "error": {"what": error.what, "why": error.why, "try_next": error.try_next}
                }
            except Exception as error:
                log.exception("control request failed")
                answer = {
                    "error": {
                        "what": "the twin failed",
                        "why": f"{type(error).__name__}: {error}",
                        "try_next": "see region.log in the state folder",
                    }
                }
            caller.sendall(json.dumps(answer).encode() + b"\n")
