"""Starting and ending a region from the host: ports bound first, then one process tree in namespaces.

The host's process binds the loopback ports, hands them to ``unshare``, and waits on a pipe for the
region to say that its API answers. Until ``keep`` is called the region lives on a lifeline, another
pipe: if the starter ends for whatever reason, the region ends with it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from underpass.errors import UnderpassError, UsageError
from underpass.twin.host.running_twins import (
    MARK,
    PROTOCOL,
    Running,
    forget,
    refuse_strangers,
    start_time,
)
from underpass.twin.region import control_socket, credentials

API_PORT = 4566
FORWARDED_PORT = 8080
_TRIES = 50
Aim = tuple[str, int]
"""Where a port forward leads: a name as the consumer's VPC knows it, and a port."""

_START_TIMEOUT_S = 120  # its end is heard of at once; on a busy machine it takes its time
_STOP_TIMEOUT_S = 15


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the state folder for one command at a time.

    Raises
    ------
    UnderpassError
        When another command holds it, it belongs to another user, or it cannot be made.
    """
    refuse_strangers(state)
    try:
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o700)  # secrets and a user's data are in it
    except OSError as error:
        raise UsageError(
            f"{state} cannot be made", str(error.strerror), "name a folder that can be written"
        ) from error
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UnderpassError(
                "another underpass command is at work here", str(state), "wait until it has ended"
            ) from error
        yield


class Start:
    """A region that was started and is not yet kept."""

    def __init__(self, running: Running, lifeline: int) -> None:
        self.running = running
        self._lifeline = lifeline

    def keep(self) -> None:
        """Let the region outlive this process."""
        os.write(self._lifeline, b"k")
        os.close(self._lifeline)


def start(
    state: Path,
    name: str,
    region: str,
    *,
    api_port: int | None,
    postgres: str | None = None,
    faults: bool = False,
    meanwhile: Callable[[Running], object] = lambda _: None,
) -> Start:
    """Start a region and return once its API answers.

    Parameters
    ----------
    state
        Its state folder; held by ``locked``.
    name
        The application's name; empty for a region with nothing deployed.
    region
        The AWS region it stands in for.
    api_port
        The API's port; None takes the usual one, or the next that is free.
    postgres
        The version of the database that will be asked for first.
    faults
        Whether its workers may be told to fail, for tests.
    meanwhile
        Called while the region starts, with what it will be.

    Raises
    ------
    UnderpassError
        When the machine does not allow it, what the twin needs is not installed, a port is taken, or the
        region did not come up.
    """
    if find_spec("moto") is None:
        raise UsageError(
            "the twin is not installed",
            "underpass is here without the packages its twin needs",
            'install it as "underpass[twin]"',
        )
    unshare = _unshare()
    credentials.ensure(state)
    with bind(api_port, API_PORT) as api:
        ready_read, ready_write = os.pipe()
        life_read, life_write = os.pipe()
        inherited = {"api": api.fileno(), "ready": ready_write, "lifeline": life_read}
        spec = json.dumps({"region": region, "postgres": postgres, "faults": faults, **inherited})
        with (state / "region.log").open("ab") as log:
            process = subprocess.Popen(
                [*unshare, sys.executable, "-m", MARK, "--state", str(state), "--spec", spec],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=list(inherited.values()),
                start_new_session=True,
                cwd="/",
            )
        os.close(ready_write)
        os.close(life_read)
        running = Running(
            state=state,
            name=name,
            pid=process.pid,
            started=start_time(process.pid) or 0,
            region=region,
            api_port=api.getsockname()[1],
            protocol=PROTOCOL,
        )
        try:
            meanwhile(running)
            _await_ready(ready_read, state, unshare)
        except BaseException:
            os.close(life_write)
            _end(process.pid)
            process.wait()
            raise
        finally:
            os.close(ready_read)
    running.save()
    return Start(running, life_write)


def open_forwards(running: Running, aims: Mapping[str, Aim], *, port: int | None) -> Running:
    """Give each consumer a loopback port that leads to its aim, and return the new record.

    Ports that were given before stay, but those of consumers that are no more. ``port`` is the first
    new one; None takes the usual one, or the next that is free.

    Raises
    ------
    UsageError
        When a port that was asked for is taken, or every consumer has another.
    """
    kept = {name: port for name, port in running.forwards.items() if name in aims}
    missing = [name for name in aims if name not in kept]
    if port not in (None, *kept.values()) and not missing:
        from underpass.config.hints import command

        raise UsageError(
            f"no consumer takes port {port}",
            ", ".join(f"{name} keeps {its}" for name, its in kept.items()),
            f"leave --port out, or run {command('down', running.state.parent)} first",
        )
    with ExitStack() as stack:
        bound = {
            name: stack.enter_context(
                bind(None if port is None else port + position, FORWARDED_PORT)
            )
            for position, name in enumerate(missing)
        }
        control_socket.call(
            running.state,
            "forwards",
            fds=[port.fileno() for port in bound.values()],
            opened=missing,
            aims=aims,
        )
        ports = {name: port.getsockname()[1] for name, port in bound.items()}
    changed = replace(running, forwards={**kept, **ports})
    changed.save()
    return changed


def stop(running: Running) -> None:
    """End a region: databases shut down in order, then the whole tree, by force if need be."""
    try:
        control_socket.call(running.state, "stop", timeout_s=_STOP_TIMEOUT_S)
    except UnderpassError:
        pass  # it could not be asked; it is ended by its pid below
    else:
        _gone(running.pid, running.started, _STOP_TIMEOUT_S)
    if start_time(running.pid) == running.started:
        _end(running.pid)
        _gone(running.pid, running.started, _STOP_TIMEOUT_S)
    forget(running.state)


def bind(wanted: int | None, preferred: int) -> socket.socket:
    """Bind a port of 127.0.0.1: the wanted one, or the first free one from the preferred one up.

    Raises
    ------
    UsageError
        When the wanted port is taken or may not be bound.
    """
    for port in [wanted] if wanted is not None else [*range(preferred, preferred + _TRIES), 0]:
        candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
            candidate.listen(128)  # also what shows that nobody else listens there
        except OSError as error:
            candidate.close()
            if wanted is None and error.errno in {errno.EADDRINUSE, errno.EACCES}:
                continue
            reason = (
                "it is in use" if error.errno == errno.EADDRINUSE else str(error.strerror).lower()
            )
            raise UsageError(
                f"port {port} cannot be taken",
                f"127.0.0.1:{port}: {reason}",
                "choose another with --port or --api-port, or leave the option out",
            ) from error
        return candidate
    raise UsageError("no port is free", f"tried from {preferred} on", "name one with --port")


def _unshare() -> list[str]:
    """Return the command that makes the region's namespaces."""
    if sys.platform != "linux":
        raise UnderpassError(
            "the twin needs Linux",
            f"this is {sys.platform}",
            "run it in a Linux virtual machine or container; `underpass template` works here",
        )
    program = shutil.which("unshare")
    if program is None:
        raise UnderpassError(
            "`unshare` was not found", "it belongs to util-linux", "install util-linux"
        )
    flags = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        flags = ["--user", "--map-root-user", *flags]
    return [program, *flags]


_SWITCHES = {
    "kernel/unprivileged_userns_clone": ("0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
    "user/max_user_namespaces": ("0", "sudo sysctl -w user.max_user_namespaces=15000"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
}


def not_allowed(reason: str, sysctl: Path = Path("/proc/sys")) -> UnderpassError:
    """Return the error for namespaces that may not be made, with the switch that forbids them."""
    for name, (forbids, command) in _SWITCHES.items():
        switch = sysctl / name
        try:
            if switch.read_text().strip() == forbids:
                return UnderpassError(
                    "this user may not make namespaces",
                    f"{switch} is {forbids} ({reason})",
                    f"allow them with `{command}`, or run underpass as root",
                )
        except OSError:
            continue
    return UnderpassError(
        "this user may not make namespaces",
        reason or "unshare failed",
        "run underpass as root; inside a container, start it with --privileged",
    )


def _await_ready(ready: int, state: Path, unshare: list[str]) -> None:
    """Wait for the region's word on the pipe; its end without one means that it died.

    Whether namespaces may be made is asked only then: to ask takes as long as to make them.
    """
    readable, _, _ = select.select([ready], [], [], _START_TIMEOUT_S)
    if readable and os.read(ready, 16) == b"ready\n":
        return
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise not_allowed(tried.stderr.strip())
    reason = "it ended at once" if readable else f"it did not answer within {_START_TIMEOUT_S} s"
    log = state / "region.log"
    lines = log.read_text(errors="replace").strip().splitlines()[-5:]
    raise UnderpassError(
        "the region did not start", "\n".join([reason, *lines]), f"the whole log is {log}"
    )


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _gone(pid: int, started: int, timeout_s: float) -> bool:
    """Wait until a process that is not our child has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if start_time(pid) != started:
            return True
        return bool(select.select([handle], [], [], timeout_s)[0])
    finally:
        os.close(handle)
