"""A running sandbox, held by its process id: start, signal, wait, and run a command beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import underpass
from underpass.twin.linux.isolation import Spec

# Finding the site packages takes longer than making a sandbox, so only this package's own place is added.
_MAIN = (
    "import sys; sys.path.append(sys.argv.pop(1));"
    " from underpass.twin.linux.sandbox.launcher import main; main()"
)
LAUNCH = (sys.executable, "-I", "-S", "-c", _MAIN, str(Path(underpass.__file__).parents[1]))
START_TIMEOUT_S = 20.0
END_TIMEOUT_S = 5.0


class StartError(Exception):
    """The container could not be started; the message is the runtime's own."""


class Process:
    """The first process of a sandbox, a child of this process.

    Attributes
    ----------
    pid
        Its process id as seen from here.
    handle
        A pidfd; readable once it has ended.
    listener
        The socket asked for with ``Spec.listen``.
    """

    def __init__(self, pid: int, listener: socket.socket | None) -> None:
        self.pid = pid
        self.handle = os.pidfd_open(pid)
        self.listener = listener
        self.exit_code: int | None = None
        self.ended = threading.Event()
        self._lock = threading.Lock()  # between a signal and the descriptor's end

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self.exit_code is None:
                signal.pidfd_send_signal(self.handle, number)

    def wait(self) -> int:
        """Wait for its end and return the exit code as a container's: 128 + n after signal n."""
        if self.exit_code is None:
            try:
                status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:  # someone else reaped it and kept the status
                status = 255
            with self._lock:
                self.exit_code = status if status >= 0 else 128 - status
            self.ended.set()
        return self.exit_code

    def close(self) -> None:
        """Give up the descriptor, once it has ended."""
        with self._lock:
            os.close(self.handle)


def start(spec: Spec, output: int, given: int = subprocess.DEVNULL) -> Process:
    """Start a sandbox whose standard output and error go to ``output``, and whose input is ``given``.

    Raises
    ------
    StartError
        When it could not be built, or its program could not be executed.
    """
    wanted = spec.to_json().encode() + b"\n"
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            launcher = subprocess.Popen(
                [*LAUNCH, str(theirs.fileno())],
                stdin=given,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env={},
            )
        ours.settimeout(START_TIMEOUT_S)
        try:
            ours.sendall(wanted)
            answer, descriptors = _answer(ours)
        finally:
            ours.close()  # a launcher that still listens hears that nothing comes
            _end(launcher)
    listener = socket.socket(fileno=descriptors[0]) if descriptors else None
    pid, error = answer.get("pid"), answer.get("error")
    if isinstance(pid, int) and error is None:
        return Process(pid, listener)
    if listener:
        listener.close()
    if isinstance(pid, int):
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it may be stuck, too
            os.waitpid(pid, 0)
    raise StartError(str(error or "the sandbox's launcher ended without an answer"))


def _end(launcher: subprocess.Popen[bytes]) -> None:
    """Wait for the launcher's end, which is near; one that is stuck is ended."""
    try:
        launcher.wait(timeout=END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()


def _answer(control: socket.socket) -> tuple[dict[str, object], list[int]]:
    """Read until the launcher and the new process have closed their end: (what they said, descriptors)."""
    text, descriptors, said = b"", list[int](), dict[str, object]()
    while True:
        try:
            part, passed, _, _ = socket.recv_fds(control, 65536, 1)
        except TimeoutError:
            said["error"] = f"the sandbox was not ready after {START_TIMEOUT_S:.0f} s"
            break
        descriptors += passed
        if not part:
            break
        text += part
    for line in text.splitlines():
        said |= json.loads(line)
    return said, descriptors


def enter(pid: int) -> list[str]:
    """Return the start of a command line that runs the rest beside process ``pid``, in its sandbox, as root.

    ECS Exec does so too, whomever the container runs as.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    return [*LAUNCH, "enter", str(pid), "--"]


def check(pid: int) -> list[str]:
    """Return the same for a health check, which runs as the user the container runs as."""
    return [*LAUNCH, "check", str(pid), "--"]
