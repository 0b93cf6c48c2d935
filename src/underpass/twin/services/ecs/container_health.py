"""Container health checks: the command of ``healthCheck``, run beside the application.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass
class Failures:
    """The failed checks in a row that count, by the monotonic clock: at most one an interval.

    A container that was never healthy may be starting, for which it has its start period, and then as many of
    AWS's own intervals as there are retries; of one that was healthy, the interval runs on the twin's clock.
    """

    interval_s: float
    start_period_s: float
    began_s: float
    count: int = 0
    counted_s: float = float("-inf")

    def note(self, now_s: float, *, starting: bool) -> int:
        """Note one, of a container that was never healthy if it is ``starting``; return how many count."""
        if starting and now_s - self.began_s < self.start_period_s:
            return self.count
        apart_s = self.interval_s if starting else scaled_s(Wait.CONTAINER_CHECK, self.interval_s)
        if now_s - max(self.began_s, self.counted_s) >= apart_s:
            self.count, self.counted_s = self.count + 1, now_s
        return self.count


class Checks:
    """Checks one container until stopped, and reports each change of its health.

    It is asked at intervals of the twin's clock; the time-out is the application's own. A container that was
    never healthy is checked as soon as something more listens in its task, whose containers share a network:
    somebody waits for it, and a check costs a process, which its start would have to share the machine with.
    """

    def __init__(
        self, definition: Mapping[str, Any], pid: int, report: Callable[[Health], None]
    ) -> None:
        kind, *rest = definition["command"]
        self._argv = ["/bin/sh", "-c", *rest] if kind == "CMD-SHELL" else rest
        self._disabled = kind == "NONE"
        interval_s = float(definition.get("interval") or 30)
        self._interval_s = scaled_s(Wait.CONTAINER_CHECK, interval_s)
        self._timeout_s = definition.get("timeout") or 5
        self._retries = definition.get("retries") or 3
        self._pid = pid
        self._report = report
        self._health, self._listeners = Health.UNKNOWN, listeners(pid)
        start_period_s = definition.get("startPeriod") or 0
        self._failures = Failures(interval_s, start_period_s, time.monotonic())
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
            self._failures.count, now = 0, Health.HEALTHY
        else:
            starting = self._health is Health.UNKNOWN
            count = self._failures.note(time.monotonic(), starting=starting)
            now = Health.UNHEALTHY if count >= self._retries else self._health
        if now is not self._health and not self._worker.stopping.is_set():
            self._health = now
            self._report(now)

    def _pause(self) -> None:
        """Wait until the next check is due, or more listens beside a container that was never healthy."""
        if self._health is not Health.UNKNOWN:
            calm = self._health is Health.HEALTHY and not self._failures.count
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
