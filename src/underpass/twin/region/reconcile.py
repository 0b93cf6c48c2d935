"""The change feed and the reconcilers it wakes: each compares what is wanted with what runs, and acts."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TypeVar

from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Condition, Worker

T = TypeVar("T")

RESYNC_S = 60.0  # after which a reconciler looks whether nobody forgot to wake it


class ChangeFeed:
    """Publishes topics to whoever subscribed, and lets a thread wait for a condition without polling."""

    def __init__(self) -> None:
        self._subscribers: dict[Topic, list[Callable[[], None]]] = defaultdict(list)
        self._changed = threading.Condition()
        self._generation = 0
        self._published: dict[str, int] = {}  # the generation in which each topic was, last

    def subscribe(self, topics: Iterable[Topic], wake: Callable[[], None]) -> None:
        """Call ``wake`` (which must return at once) whenever one of ``topics`` is published."""
        for topic in topics:
            self._subscribers[topic].append(wake)

    def publish(self, topic: Topic) -> None:
        """Say that something under ``topic`` may have changed."""
        for wake in tuple(self._subscribers.get(topic, ())):
            wake()
        with self._changed:
            self._generation += 1
            self._published[topic] = self._generation
            self._changed.notify_all()

    def wait(
        self,
        condition: Callable[[], T | None],
        *,
        timeout_s: float,
        what: str,
        topics: Collection[Topic] | None = None,
        recheck_s: float = 1.0,
    ) -> T:
        """Return the first truthy answer of ``condition``, asked again after each publication.

        Parameters
        ----------
        topics
            Those after which the answer may be another; None for all.
        recheck_s
            After so many seconds it is asked again all the same.

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
                self._changed.wait_for(partial(self._since, seen, topics), min(left, recheck_s))

    def _since(self, seen: int, topics: Collection[Topic] | None) -> bool:
        """Tell whether one of ``topics`` was published after generation ``seen``."""
        if topics is None:
            return self._generation > seen
        return any(self._published.get(topic, 0) > seen for topic in topics)


class Reconciler:
    """Runs one controller's ``reconcile`` in a worker of its own: on each wake, and every ``resync_s``.

    Wakes that arrive while it runs are folded into one more run. A run that raises is tried again after
    ``retry_s`` at most; the controller must therefore be idempotent.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[], None],
        *,
        resync_s: float = RESYNC_S,
        settle_s: float = 0.02,
        retry_s: float = 0.5,
    ) -> None:
        self._reconcile = reconcile
        self._resync_s = resync_s
        self._settle_s = settle_s
        self._woken = threading.Event()
        self._worker = Worker(
            name, self._run, self.wake, longest_pause_s=retry_s, settled_s=float("inf")
        )

    @property
    def condition(self) -> Condition:
        """How its worker is."""
        return self._worker.condition

    def start(self, feed: ChangeFeed, topics: Iterable[Topic]) -> Reconciler:
        """Start the worker and listen to ``topics``."""
        feed.subscribe(topics, self.wake)
        self._woken.set()
        self._worker.start()
        return self

    def wake(self) -> None:
        """Ask for another run."""
        self._woken.set()

    def stop(self) -> None:
        """End the worker after the run under way, if any."""
        self._worker.stop(timeout_s=10)

    def _run(self) -> None:
        if not self._worker.condition.in_a_row:  # else it is tried again without being asked
            self._woken.wait(self._resync_s)
        if self._worker.stopping.wait(self._settle_s):  # let a burst of changes become one run
            return
        self._woken.clear()
        self._reconcile()
