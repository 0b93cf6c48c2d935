"""What a service's scheduler does next: pure, from what is wanted and what runs to a list of actions.

It follows ECS's rolling update: never more tasks than ``maximumPercent`` allows, never fewer healthy ones
than ``minimumHealthyPercent`` by its own choice, a replacement before an unhealthy task goes where there is
room for one, and a circuit breaker.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.services.ecs.model import Rollout, Service

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 10.0, 27 * 60.0  # of AWS time


class Condition(StrEnum):
    """A task as the scheduler sees it."""

    STARTING = "starting"  # wanted, and not yet known to be healthy
    HEALTHY = "healthy"
    FAILING = "failing"  # its health checks failed, its grace period is over
    STOPPING = "stopping"


@dataclass(frozen=True)
class Replica:
    """One task of the service. ``leaving``: its instance is draining. ``proven``: it has been healthy."""

    id: str
    deployment: str
    condition: Condition
    zone: str = ""
    leaving: bool = False
    proven: bool = False
    born: float = 0.0


@dataclass(frozen=True)
class Start:
    """Start so many tasks of the primary deployment."""

    count: int


@dataclass(frozen=True)
class Stop:
    """Stop a task; ``failing`` when it is because of its health."""

    task_id: str
    failing: bool = False


@dataclass(frozen=True)
class Complete:
    """The primary deployment has all its tasks, and no others are left."""


@dataclass(frozen=True)
class Fail:
    """The circuit breaker trips."""


Action = Start | Stop | Complete | Fail


def decide(
    service: Service,
    replicas: Sequence[Replica],
    now: float,
    open_zones: Collection[str],
) -> list[Action]:
    """Return what to do now; asked again after each change.

    Parameters
    ----------
    service
        What is wanted.
    replicas
        Its tasks that have not stopped.
    now
        Seconds since the epoch.
    open_zones
        The zones where one more task would find room.
    """
    alive = [replica for replica in replicas if replica.condition is not Condition.STOPPING]
    if service.status != "ACTIVE":
        return [Stop(replica.id) for replica in alive]
    if tripped(service):
        return [Fail()]
    view = _View.of(service, alive)
    starts = _starts(service, view, now, open_zones)
    actions: list[Action] = [Start(starts)] if starts else []
    still = len(alive) == len(replicas) and not starts  # nothing is on its way to make room
    actions += _stops(service, view, room=bool(open_zones), still=still)
    done = len(view.current) == view.healthy_current == service.desired == len(replicas)
    if done and _under_way(service):
        actions.append(Complete())
    return actions


def threshold(desired: int) -> int:
    """Return how many failed tasks trip the circuit breaker: half the desired count, from 3 to 200."""
    return min(max(math.ceil(desired * 0.5), 3), 200)


def tripped(service: Service) -> bool:
    """Return whether the circuit breaker must end the deployment under way."""
    failed = service.primary.failed_tasks
    return service.breaker and _under_way(service) and failed >= threshold(service.desired)


def backoff_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row, in seconds of the twin's clock."""
    if failures <= 1:
        return 0.0
    pause_s = min(FIRST_BACKOFF_S * 2 ** min(failures - 2, 16), LONGEST_BACKOFF_S)
    return scaled_s(Wait.RESTART, pause_s)


def _under_way(service: Service) -> bool:
    return service.primary.rollout is Rollout.IN_PROGRESS


@dataclass(frozen=True)
class _View:
    """The tasks that are alive, sorted by what is to become of them."""

    alive: Sequence[Replica]
    current: Sequence[Replica]  # of the primary deployment, to stay
    outdated: Sequence[Replica]  # of another deployment, or on an instance that drains
    failing: Sequence[Replica]

    @classmethod
    def of(cls, service: Service, alive: Sequence[Replica]) -> _View:
        outdated = [r for r in alive if r.leaving or r.deployment != service.primary.id]
        rest = [replica for replica in alive if replica not in outdated]
        failing = [replica for replica in rest if replica.condition is Condition.FAILING]
        return cls(
            alive, [replica for replica in rest if replica not in failing], outdated, failing
        )

    @property
    def healthy(self) -> int:
        return _healthy(self.alive)

    @property
    def healthy_current(self) -> int:
        return _healthy(self.current)

    @property
    def by_zone(self) -> Counter[str]:
        return Counter(replica.zone for replica in self.current)


def _healthy(replicas: Sequence[Replica]) -> int:
    return sum(replica.condition is Condition.HEALTHY for replica in replicas)


def _starts(service: Service, view: _View, now: float, open_zones: Collection[str]) -> int:
    if service.primary.rollout is Rollout.FAILED or now < service.retry_at:
        return 0
    room = service.desired * service.max_percent // 100 - len(view.alive)
    missing = service.desired - len(view.current)
    if missing == 0 and len(view.alive) == view.healthy_current and service.rebalancing:
        missing = int(_unbalanced(view.by_zone, open_zones))
    return max(0, min(missing, room))


def _unbalanced(by_zone: Counter[str], open_zones: Collection[str]) -> bool:
    """Return whether a zone with room has at least two tasks fewer than another."""
    least = min((by_zone[zone] for zone in open_zones), default=None)
    return least is not None and max(by_zone.values(), default=0) - least > 1


def _stops(service: Service, view: _View, *, room: bool, still: bool) -> list[Action]:
    """Choose what to stop; ``budget`` is how many healthy tasks may go."""
    budget = view.healthy - math.ceil(service.desired * service.min_percent / 100)
    failed = service.primary.rollout is Rollout.FAILED
    chosen: list[Replica] = []
    if not failed:  # with nothing to take their place, old tasks stay
        chosen += [r for r in view.outdated if r.condition is not Condition.HEALTHY]
        healthy = [r for r in view.outdated if r.condition is Condition.HEALTHY]
        chosen += healthy[: max(0, budget)]
        budget -= len(healthy[: max(0, budget)])
    chosen += _excess(service.desired, view, budget)
    # A new version's tasks that never were healthy are of no use to anybody: no replacement is awaited.
    hopeless = [r for r in view.failing if not r.proven and _under_way(service)]
    rest = [replica for replica in view.failing if replica not in hopeless]
    failing = [*hopeless, *sorted(rest, key=lambda replica: (replica.born, replica.id))]
    count = len(hopeless) or max(0, view.healthy_current + len(failing) - service.desired)
    pending = sum(r.condition is Condition.STARTING and bool(r.zone) for r in view.current)
    ceiling = service.desired * service.max_percent // 100
    full = len(view.alive) >= ceiling or not room
    if not count and not pending and still and (full or failed):
        count = 1  # no room for a replacement first: one at a time
    return [
        *(Stop(replica.id) for replica in chosen),
        *(Stop(replica.id, failing=True) for replica in failing[:count]),
    ]


def _excess(desired: int, view: _View, budget: int) -> list[Replica]:
    """Choose tasks beyond the desired count: not placed yet, then from the fullest zone, the newest first."""
    left, by_zone, chosen = list(view.current), view.by_zone, list[Replica]()
    while len(left) > desired:
        candidate = max(
            left,
            key=lambda r: (
                not r.zone,
                by_zone[r.zone],
                r.condition is not Condition.HEALTHY,
                r.born,
                r.id,
            ),
        )
        if candidate.condition is Condition.HEALTHY:
            if budget <= 0:
                break
            budget -= 1
        left.remove(candidate)
        by_zone[candidate.zone] -= 1
        chosen.append(candidate)
    return chosen
