"""One PostgreSQL server: started on an interface behind its TLS, watched, stopped.

It runs in namespaces of its own besides the interface's network: a user namespace, because PostgreSQL
refuses uid 0; a pid namespace, so that no backend outlives the server and the lock file of a server that
was killed is known to be stale; an ipc namespace, so that its shared memory dies with it. It listens on the
loopback device of the interface's network; on the interface itself ``tls`` does, and passes on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.region.worker import once
from underpass.twin.services.rds import tls
from underpass.twin.services.rds.cluster import AS_ORDINARY_USER, SUPERUSER
from underpass.twin.services.rds.versions import Binaries

_HBA = f"""\
local all all trust
host all {SUPERUSER} all reject
host all all all scram-sha-256
"""
_SETTINGS = {
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: nothing is left in /dev/shm
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    "lc_messages": "C",  # the reader of the log looks for English
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_READY = "database system is ready to accept connections"
_START_TIMEOUT_S = 120  # recovery after a crash may take its time
_STOP_TIMEOUT_S = 30
_LOG_LIMIT = 8 << 20
_TAIL = 12


@dataclass(frozen=True)
class Spec:
    """What a server is started with; a server whose spec differs from the wanted one is restarted.

    Attributes
    ----------
    sockets
        The folder of its Unix socket, which trusts whoever may enter it: the region alone.
    certificate
        The files of the chain and of the key.
    enter
        The command that enters the interface's network namespace.
    parameters
        Those of the parameter group; what changes while it runs is for ``configure``.
    pending
        The names of those that PostgreSQL would change at once, and that wait for the next start.
    """

    name: str
    binaries: Binaries
    data: Path
    sockets: Path
    address: str
    port: int
    certificate: tuple[Path, Path]
    enter: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    pending: frozenset[str] = field(default=frozenset(), compare=False)

    def command(self) -> list[str]:
        """Return the command line that starts it."""
        settings = {
            "listen_addresses": inner(self.address),
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            "hba_file": str(self.sockets / "pg_hba.conf"),
            "cluster_name": self.name,
        }
        isolate = [*AS_ORDINARY_USER, "--ipc", "--pid", "--fork", "--kill-child", "--"]
        chosen = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [
            *self.enter,
            *isolate,
            self.binaries.program("postgres"),
            "-D",
            str(self.data),
            *chosen,
        ]

    def front(self) -> list[str]:
        """Return the command line that starts its TLS."""
        chain, key = self.certificate
        asked = {
            "address": self.address,
            "port": self.port,
            "server": inner(self.address),
            "chain": str(chain),
            "key": str(key),
            "required": dict(self.parameters).get("rds.force_ssl", "1") == "1",
        }
        # Nothing but the standard library: so it starts at once.
        return [*self.enter, sys.executable, "-I", "-S", tls.__file__, json.dumps(asked)]


def inner(address: str) -> str:
    """Return where the server itself listens: 127.x.y.z for x.y.z of the interface's address."""
    return f"127.{address.partition('.')[2]}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


class Server:
    """A server that was started with ``spec``.

    Parameters
    ----------
    spec
        What it is started with.
    log_file
        Where its log goes.
    on_exit
        Called, in another thread, when the process ends without having been asked to.
    """

    def __init__(self, spec: Spec, log_file: Path, on_exit: Callable[[], None]) -> None:
        self.spec = spec
        self._log_file = log_file
        self._on_exit = on_exit
        self._process: subprocess.Popen[str] | None = None
        self._front: subprocess.Popen[str] | None = None
        self._settled = threading.Event()  # it is ready, or it has ended
        self._ended = threading.Event()
        self._asked_to_end = False
        self._tail: list[str] = []
        self._parameters = dict(spec.parameters)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and not self._ended.is_set()

    def start(self) -> None:
        """Start it and return when it accepts connections.

        Raises
        ------
        UnderpassError
            With the last lines of its log, when it does not come up.
        """
        self._write()
        self.spec.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.spec.sockets / "pg_hba.conf").write_text(_HBA)
        self._process = subprocess.Popen(
            self.spec.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )
        once(f"postgres-{self.spec.name}", self._watch)
        refused = self._open()
        settled = self._settled.wait(_START_TIMEOUT_S)
        if settled and not refused and not self._ended.is_set():
            return
        ended = self._ended.is_set()
        self.stop()
        reason = "it ended" if ended else f"it was not ready within {_START_TIMEOUT_S} s"
        why = (
            [reason, *self._tail] if ended or not settled else ["its TLS does not listen", *refused]
        )
        raise UnderpassError("PostgreSQL did not start", "\n".join(why))

    def configure(self, spec: Spec) -> None:
        """Have it read what changed of its parameters; static ones PostgreSQL keeps till its next start."""
        kept = {name: value for name, value in self._parameters.items() if name in spec.pending}
        new = {name: value for name, value in spec.parameters if name not in spec.pending}
        wanted = new | kept
        if wanted != self._parameters:
            self._parameters = wanted
            self._write()
            self._signal(signal.SIGHUP)

    def _write(self) -> None:
        """Write the parameters where PostgreSQL keeps what ALTER SYSTEM sets, which nobody here may."""
        if not self.spec.data.exists():
            return  # PostgreSQL itself will say so
        file = self.spec.data / "postgresql.auto.conf"
        lines = (
            f"{name} = '{_quoted(value)}'\n"
            for name, value in {**_SETTINGS, **self._parameters}.items()
        )
        unfinished = file.with_suffix(".new")
        unfinished.write_text("".join(lines))
        unfinished.replace(file)

    def _open(self) -> list[str]:
        """Start its TLS; return what it said if it does not listen, and nothing if it does."""
        self._front = subprocess.Popen(
            self.spec.front(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath},
        )
        assert self._front.stdout is not None
        assert self._front.stderr is not None
        with self._front.stdout as told:
            spoke = select.select([told], [], [], _START_TIMEOUT_S)[0]
            listening = bool(spoke) and bool(told.readline())
        if not listening:
            self._close()
            silent = "it ended" if spoke else f"it said nothing for {_START_TIMEOUT_S} s"
            with self._front.stderr as said:
                return said.read().splitlines()[-_TAIL:] or [silent]
        once(f"tls-{self.spec.name}", self._watch_front, self._front)
        return []

    def _close(self) -> None:
        """End its TLS, so that nothing listens for a server that is gone."""
        if self._front:
            self._front.kill()
            self._front.wait()

    def _watch_front(self, front: subprocess.Popen[str]) -> None:
        """End the server when nobody can reach it any more, so that both are started anew."""
        assert front.stderr is not None
        with front.stderr as lines:
            said = lines.read()
        front.wait()
        if not self._asked_to_end and not self._ended.is_set():
            with self._log_file.open("a") as log:
                log.write(f"its TLS ended: {said}\n")
            self._signal(signal.SIGINT)

    def stop(self) -> None:
        """End it: connections are cut, what was committed is written, then the process ends."""
        self._asked_to_end = True
        if self.running:
            self._signal(signal.SIGINT)
            if not self._ended.wait(_STOP_TIMEOUT_S):
                self._signal(signal.SIGKILL)
                self._ended.wait()
        self._close()  # also when the server ended before its TLS was there to be ended with it

    def pid(self) -> int | None:
        """Return the server's own pid, the one below ``unshare``; None when it is not there."""
        assert self._process is not None
        process = self._process.pid
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return int(children[0]) if children else None

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        try:
            if pid is not None:
                os.kill(pid, number)
            elif self._process is not None:
                self._process.kill()
        except ProcessLookupError:
            pass

    def _watch(self) -> None:
        """Keep the log and say when the server is ready, and when it ends."""
        assert self._process is not None
        assert self._process.stderr is not None
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_LIMIT:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        with self._process.stderr as lines, self._log_file.open("a", buffering=1) as log:
            for line in lines:
                log.write(line)
                self._tail = [*self._tail, line.rstrip()][-_TAIL:]
                if _READY in line:
                    self._settled.set()
        self._process.wait()
        self._ended.set()
        self._close()
        self._settled.set()
        if not self._asked_to_end:
            self._on_exit()
            raise ChildProcessError("PostgreSQL ended by itself")
