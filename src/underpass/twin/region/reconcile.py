"""The change feed and the reconcilers it wakes: each compares what is wanted with what runs, and acts.

A topic is an AWS signing name ("ec2", "elasticloadbalancing", "ecs", "rds", "route53", "lambda",
"events", "autoscaling", "elasticfilesystem", "secretsmanager", ...), published by the API after every
call that may have changed something, or one of the twin's own observations: "interfaces" (an interface
came up or went), "health" (a target's health changed), "tasks", "databases", "connections" (PrivateLink).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

log = logging.getLogger(__name__)
T = TypeVar("T")


class ChangeFeed:
    """Publishes topics to whoever subscribed, and lets a thread wait for a condition without polling."""

    def __init__(self) -> None:
        self._subscribers: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._changed = threading.Condition()
        self._generation = 0

    def subscribe(self, topics: Iterable[str], wake: Callable[[], None]) -> None:
        """Call ``wake`` (which must return at once) whenever one of ``topics`` is published."""
        for topic in topics:
            self._subscribers[topic].append(wake)

    def publish(self, topic: str) -> None:
        """Say that something under ``topic`` may have changed."""
        for wake in tuple(self._subscribers.get(topic, ())):
            wake()
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def wait(
        self,
        condition: Callable[[], T | None],
        *,
        timeout_s: float,
        what: str,
        recheck_s: float = 1.0,
    ) -> T:
        """Return the first truthy answer of ``condition``, asked again after each publication.

        Raises
        ------
        TimeoutError
            When ``timeout_s`` seconds passed first; the message is ``what``.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                seen = self._generation
            answer = condition()
            if answer:
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(what)
            with self._changed:
                if self._generation == seen:
                    self._changed.wait(min(left, recheck_s))


class Reconciler:
    """Runs one controller's ``reconcile`` in a thread of its own: on each wake, and every ``resync_s``.

    Wakes that arrive while it runs are folded into one more run. A run that raises is logged and tried
    again after ``retry_s``; the controller must therefore be idempotent.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[], None],
        *,
        resync_s: float = 15.0,
        settle_s: float = 0.02,
        retry_s: float = 0.5,
    ) -> None:
        self.name = name
        self.last_error: str | None = None
        self._reconcile = reconcile
        self._resync_s = resync_s
        self._settle_s = settle_s
        self._retry_s = retry_s
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"loop-{name}", daemon=True)

    def start(self, feed: ChangeFeed, topics: Iterable[str]) -> Reconciler:
        """Start the thread and listen to ``topics``."""
        feed.subscribe(topics, self.wake)
        self._woken.set()
        self._thread.start()
        return self

    def wake(self) -> None:
        """Ask for another run."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the run under way, if any."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            self._woken.wait(self._resync_s)
            if self._stopping.wait(self._settle_s):  # let a burst of changes become one run
                return
            self._woken.clear()
            try:
                self._reconcile()
                self.last_error = None
            except Exception as error:
                self.last_error = f"{type(error).__name__}: {error}"
                log.exception("controller %s failed, trying again", self.name)
                if self._stopping.wait(self._retry_s):
                    return
                self._woken.set()
