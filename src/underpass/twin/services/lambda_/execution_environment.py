"""One execution environment: a sandboxed process that is kept and answers one invocation after another.

It sees what a function on AWS sees: its code in ``/var/task``, a ``/tmp`` of its own, its variables, and the
AWS APIs, from a place that is AWS's, or from its VPC. It has no capability and no file of the user's.
"""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import signal
import socket
import threading
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from underpass.twin.linux import process
from underpass.twin.linux.isolation import Spec, Tmpfs, Volume
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.worker import once
from underpass.twin.services.iam import sessions
from underpass.twin.services.lambda_ import bootstrap
from underpass.twin.services.lambda_.model import (
    FULL_RESPONSE_BYTES,
    Function,
    InvocationError,
    exited,
    timed_out,
    too_large,
)

_TASK_ROOT = "/var/task"
_LINE_FOLDER = "/run/runtime"
_BOOTSTRAP = "/var/runtime/bootstrap.py"
_INIT_TIMEOUT_S = 30.0  # AWS allows 10, on a machine that does nothing else
_LOG_END_S = 2.0
_SESSION = timedelta(hours=12)


@dataclass(frozen=True)
class Host:
    """Where environments run.

    Attributes
    ----------
    run
        The folder for their code and sockets.
    network
        The path of their network namespace; empty for this one.
    endpoints
        The variables that say where the AWS APIs are, as seen from there.
    hidden
        Folders no function may see.
    resolv
        The resolv.conf that functions see; None for this machine's, which nothing answers there.
    interface_id
        The interface whose namespace it is; empty outside every VPC.
    """

    run: Path
    region: str
    network: str
    endpoints: Mapping[str, str]
    hidden: tuple[Path, ...] = ()
    resolv: Path | None = None
    interface_id: str = ""


class Environment:
    """A running environment of ``function``; made ready by ``start``."""

    def __init__(self, function: Function, host: Host) -> None:
        self.function = function
        self.init_ms = 0.0
        self.memory_mib = 0
        now = datetime.now(UTC)
        self.log_stream = f"{now:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self.interface_id = host.interface_id
        self._host = host
        self._folder = host.run / uuid.uuid4().hex[:12]
        self._process: process.Process | None = None
        self._line: socket.socket | None = None
        self._log = Log()
        self._session = sessions.take(host.region, function.role_arn, function.name, _SESSION)

    @property
    def fresh(self) -> bool:
        """Whether its credentials last a while longer; they are those of its start."""
        return self._session.fresh

    def start(self) -> None:
        """Start the process and import the handler.

        Raises
        ------
        InvocationError
            When the handler cannot be imported.
        """
        began = time.monotonic()
        self._process, listener = self._launch()
        with listener:
            arrived = listener.fileno()
            watched = [arrived, self._process.handle]
            if arrived not in select.select(watched, [], [], _INIT_TIMEOUT_S)[0]:
                raise self._ended("", _INIT_TIMEOUT_S)
            self._line = listener.accept()[0]
        said = self._read("", _INIT_TIMEOUT_S)
        self.init_ms = (time.monotonic() - began) * 1000
        if "error" in said:
            raise InvocationError(said["error"], fatal=True)

    def invoke(self, request_id: str, event: bytes) -> bytes:
        """Invoke the handler and return its result as JSON.

        Raises
        ------
        InvocationError
            When the function raised, took too long, or ended.
        """
        assert self._line is not None
        function = self.function
        request = {
            "id": request_id,
            "arn": function.arn,
            "timeout_s": function.timeout_s,
            "event": event.decode(),
        }
        try:
            self._line.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            raise self._ended(request_id, function.timeout_s) from None
        said = self._read(request_id, function.timeout_s)
        self.memory_mib = said["memory_mib"]
        if "error" in said:
            raise InvocationError(said["error"])
        result: bytes = said["result"].encode()
        if len(result) > FULL_RESPONSE_BYTES:
            raise too_large()
        return result

    def take_log(self, request_id: str) -> list[tuple[int, str]]:
        """Return what was written up to the end of a request: (milliseconds since 1970, line)."""
        return self._log.take(request_id)

    def close(self) -> None:
        """End the process and remove its folder."""
        ended, self._process = self._process, None
        if ended:
            ended.signal(signal.SIGKILL)
            ended.wait()
            ended.close()
        if self._line:
            self._line.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> tuple[process.Process, socket.socket]:
        code, line, root = (self._folder / name for name in ("code", "line", "root"))
        for folder in (code, line, root):
            folder.mkdir(parents=True)
        with zipfile.ZipFile(io.BytesIO(self.function.code)) as package:
            package.extractall(code)  # zipfile keeps every name within the folder
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(line / "socket"))
        listener.listen(1)
        spec = Spec(
            app=code,
            argv=("{python}", "-B", _BOOTSTRAP, f"{_LINE_FOLDER}/socket"),
            environment=self._variables(),
            root=root,
            network=self._host.network,
            resolv=self._host.resolv,
            hostname="lambda",
            read_only=True,
            tmpfs=(Tmpfs("/tmp", self.function.tmp_mib),),  # noqa: S108  the sandbox's own
            volumes=(
                Volume(code, _TASK_ROOT, writable=False),
                Volume(Path(bootstrap.__file__), _BOOTSTRAP, writable=False),
                Volume(line, _LINE_FOLDER),
            ),
            hidden=self._host.hidden,
        )
        reader, writer = os.pipe()
        try:
            started = process.start(spec, writer)
        except process.StartError as error:
            os.close(reader)
            listener.close()
            raise InvocationError(
                {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": str(error)}, fatal=True
            ) from error
        finally:
            os.close(writer)
        self._log.follow(reader)
        return started, listener

    def _variables(self) -> dict[str, str]:
        """Return the whole environment: the function's own variables win only where Lambda lets them."""
        function = self.function
        return {
            "TZ": ":UTC",
            # ELB's names may be kept for 60 s, as long as AWS's clock says.
            "DNS_TTL_S": f"{scaled_s(Wait.NAMES, 60, 1):.0f}",
            **self._host.endpoints,
            **dict(function.environment),
            "AWS_REGION": self._host.region,
            "AWS_DEFAULT_REGION": self._host.region,
            "AWS_ACCESS_KEY_ID": self._session.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._session.secret_access_key,
            "AWS_SESSION_TOKEN": self._session.token,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "LAMBDA_TASK_ROOT": _TASK_ROOT,
            "_HANDLER": function.handler,
        }

    def _read(self, request_id: str, timeout_s: float) -> dict[str, Any]:
        """Read one answer; what ends the environment instead is raised."""
        assert self._line is not None
        deadline = time.monotonic() + timeout_s
        text = b""
        while not text.endswith(b"\n"):
            self._line.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                part = self._line.recv(1 << 16)
            except (TimeoutError, ConnectionError):
                part = b""
            if not part:
                raise self._ended(request_id, timeout_s, late=time.monotonic() >= deadline)
            text += part
        said: dict[str, Any] = json.loads(text)
        return said

    def _ended(self, request_id: str, timeout_s: float, *, late: bool = True) -> InvocationError:
        """Return why there is no answer: the time was up, or the process ended by itself."""
        assert self._process is not None
        if late and not select.select([self._process.handle], [], [], 0)[0]:
            return timed_out(request_id, timeout_s)
        return exited(request_id, self._process.wait())


class Log:
    """What an environment's process writes, line by line, until somebody takes it."""

    _LONGEST = 256 * 1024  # an event in CloudWatch Logs

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._marks: set[str] = set()
        self._changed = threading.Condition()
        self._ended = False

    def follow(self, reader: int) -> None:
        """Read from a pipe until it closes, in a thread of its own."""
        once("function-log", self._follow, reader)

    def take(self, request_id: str) -> list[tuple[int, str]]:
        """Return all lines up to the end of a request, which must have been answered or have failed."""

        def complete() -> bool:
            return self._ended or request_id in self._marks

        with self._changed:
            self._changed.wait_for(complete, _LOG_END_S)
            taken, self._lines = self._lines, []
            self._marks.discard(request_id)
            return taken

    def _follow(self, reader: int) -> None:
        with open(reader, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                text = line.rstrip("\n")[: self._LONGEST]
                with self._changed:
                    if text.startswith(bootstrap.MARK):
                        self._marks.add(text.removeprefix(bootstrap.MARK))
                    elif text:
                        self._lines.append((int(time.time() * 1000), text))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
