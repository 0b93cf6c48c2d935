"""From the outcome of single checks to a target's health, by AWS's thresholds. Pure.

A target that was never healthy is healthy after one success; later it takes the group's healthy threshold.
It is unhealthy after the unhealthy threshold of failures in a row. A target that was never healthy is asked
more often than the interval says, since the twin's user waits for it; its failures still count once an
interval, so it is not given up sooner.
Source: elasticloadbalancing/latest/application/target-group-health-checks.
"""

from __future__ import annotations

from dataclasses import dataclass

from underpass.twin.region.clock import scaled_s
from underpass.twin.services.elbv2.health import HEALTHY, INITIAL, Health, State
from underpass.twin.services.elbv2.model import HealthCheck

EAGER_S = 0.1  # the first pause before asking a new target again; each one is longer by as much


@dataclass
class Thresholds:
    """The state of one check."""

    check: HealthCheck
    health: Health = INITIAL
    _proven: bool = False
    _successes: int = 0
    _failures: int = 0
    _counted_at_s: float = float("-inf")
    _asked: int = 0

    @property
    def interval_s(self) -> float:
        """How long the group's interval lasts on the twin."""
        return scaled_s(self.check.interval_s)

    @property
    def pause_s(self) -> float:
        """How long to wait before the next check."""
        return self.interval_s if self._proven else min(self._asked * EAGER_S, self.interval_s)

    def after(self, outcome: Health, now_s: float) -> Health:
        """Return the health after a check that ended at ``now_s`` (any monotonic clock) like this."""
        self._asked += 1
        if outcome == HEALTHY:
            self._succeeded()
        else:
            self._failed(outcome, now_s)
        return self.health

    def _succeeded(self) -> None:
        self._failures = 0
        self._successes += 1
        if not self._proven or self._successes >= self.check.healthy_threshold:
            self.health, self._proven = HEALTHY, True

    def _failed(self, outcome: Health, now_s: float) -> None:
        self._successes = 0
        if now_s - self._counted_at_s >= self.interval_s * 0.9 or self._proven:
            self._failures += 1
            self._counted_at_s = now_s
        if self.health.state is State.UNHEALTHY or self._failures >= self.check.unhealthy_threshold:
            self.health = outcome
