"""Targets that drain: deregistered, and there until what is under way at them has had its time.

In AWS that is the deregistration delay. Here it is so for a target to which a load balancer still has a
connection; for one that has none, only AWS waits, and the delay runs on the twin's clock. An ALB closes its
connections to a target that drains after their answers, so each one that is left is a request under way; an
NLB does not know requests, and its flows count as long as they are open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.worker import Worker
from underpass.twin.services.elbv2.health import HealthTable, TargetKey
from underpass.twin.services.elbv2.model import Balancing, TargetGroup
from underpass.twin.services.elbv2.target_selection import Address, forwarded

AGAIN_S = 0.5  # between looks at a target that is not quiet yet


def over(since_s: float, now_s: float, delay_s: float, quiet_s: float) -> bool:
    """Tell whether a target is drained that drains since then and was last seen without connections. Pure."""
    waited_s = now_s - since_s
    quiet = quiet_s >= since_s and waited_s >= scaled_s(Wait.DRAIN, delay_s, at_least_s=0.0)
    return quiet or waited_s >= delay_s


class Drains:
    """Looks whether targets that drain have connections left, and tells the health table.

    Parameters
    ----------
    health
        Is told who is quiet.
    connected
        Returns the addresses to which a node, by its interface, has connections.
    ended
        Called when some target may be drained; returns at once.
    """

    def __init__(
        self,
        health: HealthTable,
        connected: Callable[[str], Collection[Address]],
        ended: Callable[[], None],
    ) -> None:
        self._health, self._connected, self._ended = health, connected, ended
        self._wanted = Balancing()
        self._since: dict[TargetKey, float] = {}
        self._again_s: float | None = None
        self._woken = threading.Event()
        self._worker = Worker("drains", self._turn, self._woken.set)

    def start(self) -> Drains:
        """Start looking."""
        self._worker.start()
        return self

    def stop(self) -> None:
        """Look no more."""
        self._worker.stop()

    def follow(self, wanted: Balancing) -> None:
        """Look at the targets that drain in ``wanted``; returns at once."""
        self._wanted = wanted
        if self._since or any(group.draining for group in wanted.groups):
            self._woken.set()

    def _turn(self) -> None:
        self._woken.wait(self._again_s)
        self._woken.clear()
        if not self._worker.stopping.is_set():
            self._again_s = AGAIN_S  # also when it raises
            self._again_s = self.look(time.monotonic())

    def look(self, now_s: float) -> float | None:
        """Look at those whose time may be over; return in how many seconds to look again, if ever."""
        wanted = self._wanted
        draining = {one.key: (one, group) for group in wanted.groups for one in group.draining}
        self._since = {key: self._since.get(key, now_s) for key in draining}
        pauses, busy = [AGAIN_S], dict[str, set[Address]]()
        for key, (target, group) in draining.items():
            since_s = self._since[key]
            left_s = since_s + scaled_s(Wait.DRAIN, group.drain_s, at_least_s=0.0) - now_s
            if left_s > 0:  # nothing ends before that, whoever is connected
                pauses.append(left_s)
                continue
            if group.arn not in busy:
                busy[group.arn] = self._busy(wanted, group)
            addresses = {(address, key.port) for address, _ in target.addresses}
            quiet = not addresses & busy[group.arn]
            if quiet:
                self._health.quiet(key, now_s)
            if over(since_s, now_s, group.drain_s, now_s if quiet else float("-inf")):
                del self._since[key]  # if it drains on, it has been deregistered anew meanwhile
                self._ended()
        return min(pauses) if draining else None

    def _busy(self, wanted: Balancing, group: TargetGroup) -> set[Address]:
        """Return the addresses to which nodes that forward to a group have connections."""
        found = set[Address]()
        for balancer in wanted.balancers:
            if group in forwarded(balancer, wanted):
                for node in wanted.nodes_of(balancer):
                    with suppress(FileNotFoundError):  # it has gone meanwhile
                        found |= set(self._connected(node.interface_id))
        return found
