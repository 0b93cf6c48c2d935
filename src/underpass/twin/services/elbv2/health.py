"""What the health checks see: which target answers which node, in AWS's words.

The prober writes it, the flow maps and Envoy's endpoints are made from it, and the API's
``describe_target_health`` reads it; so what the API says is what the packets meet.
States, reason codes and their descriptions are those of the Elastic Load Balancing API
(``API_TargetHealth``), thresholds as in elasticloadbalancing/latest/application/target-group-health-checks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from underpass.twin.region.clock import Wait, scaled_s

EAGER_S = 0.1  # the first pause before asking a new target again; each one is longer by as much


class State(StrEnum):
    """A target's state."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"


@dataclass(frozen=True)
class Health:
    """A target's state and, unless it is healthy, AWS's reason code and description."""

    state: State
    reason: str = ""
    description: str = ""


HEALTHY = Health(State.HEALTHY)
REGISTERING = Health(
    State.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress"
)
INITIAL = Health(State.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
FAILED = Health(State.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")
TIMED_OUT = Health(State.UNHEALTHY, "Target.Timeout", "Request timed out")
NOT_CONFIGURED = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target group is not configured to receive traffic from the load balancer",
)
ZONE_NOT_ENABLED = Health(
    State.UNUSED,
    "Target.NotInUse",
    "Target is in an Availability Zone that is not enabled for the load balancer",
)
NOT_REGISTERED = Health(
    State.UNUSED, "Target.NotRegistered", "Target is not registered to the target group"
)
DRAINING = Health(
    State.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress"
)


def mismatch(status: int) -> Health:
    """Return the state of a target that answered, but not with a status the matcher allows."""
    return Health(
        State.UNHEALTHY,
        "Target.ResponseCodeMismatch",
        f"Health checks failed with these codes: [{status}]",
    )


@dataclass(frozen=True)
class HealthCheck:
    """How a target group checks its targets.

    ``port`` 0 is the port traffic goes to. ``version`` is the group's (HTTP1, HTTP2, GRPC); ``matcher`` is of
    HTTP's statuses, or of gRPC's.
    """

    protocol: str
    port: int
    path: str
    matcher: str
    interval_s: float
    timeout_s: float
    healthy_threshold: int
    unhealthy_threshold: int
    version: str = "HTTP1"


@dataclass(frozen=True, order=True)
class TargetKey:
    """A target as it is registered: with a target group, under an id, on a port."""

    group: str
    id: str
    port: int


@dataclass(frozen=True, order=True)
class CheckKey:
    """One check: a node (by its interface's id) asks one address of a target."""

    target: TargetKey
    address: str
    node: str


class HealthTable:
    """The health of every target, as each node sees it. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[TargetKey, dict[CheckKey, Health]] = {}
        self._unused: dict[TargetKey, Health] = {}
        self._quiet_s: dict[TargetKey, float] = {}

    def keep(self, checks: Iterable[CheckKey], unused: Mapping[TargetKey, Health]) -> None:
        """Forget all but these checks, start new ones as initial, and note who gets none, and why."""
        with self._lock:
            observed: dict[TargetKey, dict[CheckKey, Health]] = {}
            for check in checks:
                before = self._seen.get(check.target, {}).get(check, INITIAL)
                observed.setdefault(check.target, {})[check] = before
            self._seen = observed
            self._unused = dict(unused)

    def put(self, check: CheckKey, health: Health) -> bool:
        """Note what a check saw; return whether that is news."""
        with self._lock:
            checks = self._seen.get(check.target)
            if checks is None or check not in checks or checks[check] == health:
                return False
            checks[check] = health
            return True

    def observed(self, check: CheckKey) -> Health:
        """Return what one node sees at one address."""
        with self._lock:
            return self._seen.get(check.target, {}).get(check, INITIAL)

    def quiet(self, target: TargetKey, now_s: float) -> None:
        """Note that a target that drains has no connections now, by the monotonic clock."""
        with self._lock:
            self._quiet_s[target] = now_s

    def quiet_s(self, target: TargetKey) -> float:
        """Return when a target was last seen to drain without connections; before all time if never."""
        with self._lock:
            return self._quiet_s.get(target, float("-inf"))

    def of(self, target: TargetKey) -> Health:
        """Return a target's health as the API tells it.

        Initial until every node has seen it, then healthy if any node finds it so. An ALB, which has many
        addresses, is as well as the best of them.
        """
        with self._lock:
            if target in self._unused:
                return self._unused[target]
            views: dict[str, list[Health]] = {}
            for check, health in self._seen.get(target, {}).items():
                views.setdefault(check.address, []).append(health)
        if not views:
            return REGISTERING
        told = [_first(observed, State.INITIAL, State.HEALTHY) for observed in views.values()]
        return _first(told, State.HEALTHY, State.INITIAL)


def _first(views: Iterable[Health], *order: State) -> Health:
    """Return the view whose state comes first in ``order``; any other state comes last."""
    return min(views, key=lambda one: order.index(one.state) if one.state in order else len(order))


@dataclass
class Thresholds:
    """What the outcomes of one check amount to.

    A target that was never healthy is healthy after one success; later it takes the group's healthy
    threshold, and is unhealthy after the unhealthy threshold of failures in a row. A new one is
    asked more often than the interval says, since the twin's user waits for it; its failures still count once
    an interval, so it is not given up sooner.
    """

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
        return scaled_s(Wait.HEALTH_CHECK, self.check.interval_s)

    @property
    def pause_s(self) -> float:
        """How long to wait before the next check."""
        return self.interval_s if self._proven else min(self._asked * EAGER_S, self.interval_s)

    def after(self, outcome: Health, now_s: float) -> Health:
        """Return the health after a check that ended at ``now_s`` (any monotonic clock) like this."""
        self._asked += 1
        if outcome == HEALTHY:
            self._failures = 0
            self._successes += 1
            if not self._proven or self._successes >= self.check.healthy_threshold:
                self.health, self._proven = HEALTHY, True
            return self.health
        self._successes = 0
        if now_s - self._counted_at_s >= self.interval_s * 0.9 or self._proven:
            self._failures += 1
            self._counted_at_s = now_s
        if self.health.state is State.UNHEALTHY or self._failures >= self.check.unhealthy_threshold:
            self.health = outcome
        return self.health
