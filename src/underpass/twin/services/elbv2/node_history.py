"""When what happened to each node of an ALB, so that nobody has to guess from outside how long it took."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any

_MOST = 5000


class History:
    """The nodes there were, the oldest first, each with its events in monotonic seconds.

    An event is ``created`` (its interface), ``named`` (it listens, and DNS names it), ``registered`` (its
    address is a target of an NLB), ``serving`` (an NLB's node sends it flows, finding it well), ``left``
    (DNS no longer names it; it still serves), ``unsent`` (no NLB's node sends it new flows any more),
    ``detached`` (nothing answers there any more), ``deleted`` (its interface: anybody may have the
    address) or ``deregistered`` (its address is no NLB's target any more, or drains).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, dict[str, Any]] = {}

    def create(self, interface_id: str, address: str, balancer_arn: str) -> None:
        """Note a new node."""
        with self._lock:
            self._nodes[interface_id] = {
                "interface_id": interface_id,
                "address": address,
                "balancer": balancer_arn,
                "created": time.monotonic(),
            }
            while len(self._nodes) > _MOST:
                del self._nodes[next(iter(self._nodes))]

    def mark(self, interface_id: str, event: str) -> None:
        """Note an event, unless it was noted before."""
        with self._lock:
            if interface_id in self._nodes:
                self._nodes[interface_id].setdefault(event, time.monotonic())

    def registered(self, addresses: Collection[str]) -> None:
        """Note whose addresses are targets of NLBs now, and whose are no more."""
        self._compare(addresses, "registered", "deregistered")

    def sent(self, addresses: Collection[str]) -> None:
        """Note which addresses NLBs' nodes send flows to now, and which no more."""
        self._compare(addresses, "serving", "unsent")

    def of(self, balancer_arn: str) -> list[dict[str, Any]]:
        """Return a load balancer's nodes."""
        with self._lock:
            return [dict(one) for one in self._nodes.values() if one["balancer"] == balancer_arn]

    def _compare(self, addresses: Collection[str], began: str, ended: str) -> None:
        now = time.monotonic()
        with self._lock:
            for one in self._nodes.values():
                here = one["address"] in addresses
                if here and "deleted" not in one:
                    one.setdefault(began, now)
                elif not here and began in one:
                    one.setdefault(ended, now)
