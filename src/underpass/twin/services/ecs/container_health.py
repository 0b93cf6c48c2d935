"""Container health checks: the command of ``healthCheck``, run beside the application.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from underpass.twin.linux import process
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.worker import Worker
from underpass.twin.services.ecs.metadata import ADDRESS, PORT
from underpass.twin.services.ecs.model import Health

LOOK_S = 0.05  # how often to look whether more listens beside a container that was never healthy
_METADATA = f"{int.from_bytes(socket.inet_aton(ADDRESS), 'little'):08X}:{PORT:04X}"
SILENT_S = 1.0  # between checks of one that does not, at least
CALM_S = 15.0  # between checks of a container that is well: each costs a process


class Checks:
    """Checks one container until stopped, and reports each change of its health.

    The interval runs on the twin's clock; the time-out and the start period are the application's own. A
    container that was never healthy is checked as soon as something more listens in its task, whose
    containers share a network: somebody waits for it, and a check costs a process, which its start would
    have to share the machine with.
    """

    def __init__(
        self, definition: Mapping[str, Any], pid: int, report: Callable[[Health], None]
    ) -> None:
        kind, *rest = definition["command"]
        self._argv = ["/bin/sh", "-c", *rest] if kind == "CMD-SHELL" else rest
        self._disabled = kind == "NONE"
        self._given_s = float(definition.get("interval") or 30)
        self._interval_s = scaled_s(Wait.CONTAINER_CHECK, self._given_s)
        self._timeout_s = definition.get("timeout") or 5
        self._retries = definition.get("retries") or 3
        self._start_period_s = definition.get("startPeriod") or 0
        self._pid = pid
        self._report = report
        self._began_s, self._failures, self._health = time.monotonic(), 0, Health.UNKNOWN
        self._listeners, self._failed_s = listeners(pid), self._began_s
        self._woken = threading.Event()
        self._worker = Worker(f"health-{pid}", self._check, self._woken.set)

    def start(self) -> Checks:
        """Start checking."""
        if not self._disabled:
            self._worker.start()
        return self

    def stop(self) -> None:
        """End; a check under way is not waited for."""
        self._worker.stop(timeout_s=0.0)

    def _check(self) -> None:
        self._pause()
        if self._worker.stopping.is_set():
            return
        if self._passes():
            self._failures, now = 0, Health.HEALTHY
        else:
            self._count(time.monotonic())
            now = Health.UNHEALTHY if self._failures >= self._retries else self._health
        if now is not self._health and not self._worker.stopping.is_set():
            self._health = now
            self._report(now)

    def _count(self, now_s: float) -> None:
        """Count a failure: one an interval, and none while the container may still be starting."""
        starting = now_s - self._began_s < self._start_period_s and self._health is Health.UNKNOWN
        if not starting and now_s - self._failed_s >= self._interval_s:
            self._failures, self._failed_s = self._failures + 1, now_s

    def _pause(self) -> None:
        """Wait until the next check is due, or more listens beside a container that was never healthy."""
        if self._health is not Health.UNKNOWN:
            calm = self._health is Health.HEALTHY and not self._failures
            self._woken.wait(max(CALM_S if calm else 0.0, self._interval_s))
            self._woken.clear()
            return
        silent = 0.0 if self._listeners else SILENT_S
        end_s = time.monotonic() + max(silent, self._interval_s)
        while not (time.monotonic() >= end_s or self._worker.stopping.wait(LOOK_S)):
            before, self._listeners = self._listeners, listeners(self._pid)
            if self._listeners > before:
                return

    def _passes(self) -> bool:
        try:
            done = subprocess.run(
                [*process.check(self._pid), *self._argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def listeners(pid: int) -> int:
    """Return how many listeners a process's network has besides its metadata; see proc_pid_net(5)."""
    count = 0
    for family in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{family}").read_text().splitlines()[1:]
        except OSError:
            continue
        states = (line.split() for line in lines)
        count += sum(state == "0A" and local != _METADATA for _, local, _, state, *_ in states)
    return count
