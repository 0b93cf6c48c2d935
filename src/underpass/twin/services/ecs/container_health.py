"""Container health checks: the command of ``healthCheck``, run beside the application.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

from underpass.twin.linux import process
from underpass.twin.region.clock import scaled_s
from underpass.twin.region.worker import Worker
from underpass.twin.services.ecs.model import Health

EAGER_S = 0.2  # between checks of one that was never healthy: somebody waits for it
CALM_S = 5.0  # between checks of a healthy container: each costs a process


class Checks:
    """Checks one container until stopped, and reports each change of its health.

    The interval runs on the twin's clock; the time-out and the start period are the application's own. A
    container that was never healthy is checked more often, and still fails once an interval at most.
    """

    def __init__(
        self, definition: Mapping[str, Any], pid: int, report: Callable[[Health], None]
    ) -> None:
        command = definition["command"]
        kind, rest = command[0], command[1:]
        self._argv = ["/bin/sh", "-c", *rest] if kind == "CMD-SHELL" else rest
        self._disabled = kind == "NONE"
        self._interval_s = scaled_s(definition.get("interval") or 30)
        self._timeout_s = definition.get("timeout") or 5
        self._retries = definition.get("retries") or 3
        self._start_period_s = definition.get("startPeriod") or 0
        self._pid = pid
        self._report = report
        self._failures, self._health = 0, Health.UNKNOWN
        self._began_s = self._failed_s = time.monotonic()
        self._worker = Worker(f"health-{pid}", self._check)

    def start(self) -> Checks:
        """Start checking."""
        if not self._disabled:
            self._worker.start()
        return self

    def stop(self) -> None:
        """End; a check under way is not waited for."""
        self._worker.stopping.set()

    def _check(self) -> None:
        if self._worker.stopping.wait(self._pause_s):
            return
        if self._passes():
            self._failures, now = 0, Health.HEALTHY
        else:
            self._count(time.monotonic())
            now = Health.UNHEALTHY if self._failures >= self._retries else self._health
        if now is not self._health and not self._worker.stopping.is_set():
            self._health = now
            self._report(now)

    @property
    def _pause_s(self) -> float:
        match self._health:
            case Health.UNKNOWN:
                return min(EAGER_S, self._interval_s)
            case Health.HEALTHY:
                return max(CALM_S, self._interval_s)
        return self._interval_s

    def _count(self, now_s: float) -> None:
        """Count a failure, unless the container is still starting or another was counted just now."""
        starting = now_s - self._began_s < self._start_period_s
        if now_s - self._failed_s < self._interval_s or (
            starting and self._health is Health.UNKNOWN
        ):
            return
        self._failures, self._failed_s = self._failures + 1, now_s

    def _passes(self) -> bool:
        try:
            done = subprocess.run(
                [*process.enter(self._pid), *self._argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0
