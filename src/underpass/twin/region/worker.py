"""Supervised threads: the only way to start one inside a region.

A ``Worker`` takes turns until it is stopped. A turn that raises is logged, shown by ``underpass status``, and
followed by the next one after a pause that grows. ``once`` runs what ends by itself and is not repeated. A
region is a process, so Python's own list of threads is the list of its workers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
SETTLED_S = 1.0


@dataclass(frozen=True)
class Condition:
    """How a worker is.

    Attributes
    ----------
    failures
        How many of its turns raised.
    in_a_row
        How many since it was well; it is down while there are any.
    error
        What the last of them raised.
    since
        When the first in the row did, in seconds since the epoch.
    """

    name: str
    failures: int = 0
    in_a_row: int = 0
    error: str = ""
    since: float = 0.0

    def failed(self, error: BaseException, now: float) -> Condition:
        """Return the condition after a turn that raised."""
        return replace(
            self,
            failures=self.failures + 1,
            in_a_row=self.in_a_row + 1,
            error=f"{type(error).__name__}: {error}",
            since=self.since if self.in_a_row else now,
        )

    def recovered(self) -> Condition:
        """Return the condition of a worker that is well again."""
        return replace(self, in_a_row=0) if self.in_a_row else self

    def pause_s(self, longest_s: float = LONGEST_PAUSE_S) -> float:
        """Return how long to wait before the next turn."""
        doubled = min(self.in_a_row - 1, 10)  # beyond which every pause is the longest
        return min(FIRST_PAUSE_S * 2.0**doubled, longest_s) if self.in_a_row else 0.0


class Worker(threading.Thread):
    """A thread that takes one turn after another.

    Parameters
    ----------
    turn
        One turn of the work; may wait as long as ``interrupt`` ends the wait.
    interrupt
        Has a turn that waits return soon; called from other threads.
    longest_pause_s
        The most there is between a turn that raised and the next.
    settled_s
        A worker that raised counts as well when a turn has ended, or goes on for so long.
    pause
        Waits for some seconds, or until the worker is stopped.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], object],
        interrupt: Callable[[], object] = lambda: None,
        *,
        longest_pause_s: float = LONGEST_PAUSE_S,
        settled_s: float = SETTLED_S,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.stopping = threading.Event()
        self._turn, self._interrupt = turn, interrupt
        self._longest_pause_s, self._settled_s = longest_pause_s, settled_s
        self._pause = pause or self.stopping.wait
        self._condition = Condition(name)
        self._began_s = float("inf")  # the turn under way, by the monotonic clock
        self._fault = ""

    def start(self) -> Self:  # type: ignore[override]
        """Start the thread."""
        super().start()
        return self

    def stop(self, timeout_s: float = 5.0) -> None:
        """Have no turn begin any more, and wait for the end of the one under way."""
        self.stopping.set()
        self._interrupt()
        if self.is_alive() and self is not threading.current_thread():
            self.join(timeout_s)

    def fail(self, why: str) -> None:
        """Have the next turn raise, for tests; one that waits ends."""
        self._fault = why
        self._interrupt()

    @property
    def condition(self) -> Condition:
        """How it is now."""
        settled = time.monotonic() - self._began_s >= self._settled_s
        return self._condition.recovered() if settled else self._condition

    def run(self) -> None:
        """Take turns; called by ``start``."""
        while not self.stopping.is_set():
            self._began_s = time.monotonic()
            try:
                self._next()
            except BaseException as error:  # whatever it is, the work goes on
                if self.stopping.is_set():  # what it worked with is being taken from it
                    return
                log.exception("%s failed, and goes on", self.name)
                self._condition = self.condition.failed(error, time.time())
                self._began_s = float("inf")
                self._pause(self._condition.pause_s(self._longest_pause_s))
            else:
                self._condition = self._condition.recovered()

    def _next(self) -> None:
        if self._fault:
            self._fault, fault = "", self._fault
            raise RuntimeError(fault)
        self._turn()


_ended: deque[Condition] = deque(maxlen=50)


def once(name: str, work: Callable[..., object], *arguments: object) -> threading.Thread:
    """Start a thread that ends with ``work``; what that raises is logged and shown."""

    def run() -> None:
        try:
            work(*arguments)
        except BaseException as error:  # a thread has nobody to raise it to
            log.exception("%s failed", name)
            _ended.append(Condition(name).failed(error, time.time()).recovered())

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def running() -> list[Worker]:
    """Return the workers of this process, by name."""
    workers = [one for one in threading.enumerate() if isinstance(one, Worker)]
    return sorted(workers, key=lambda worker: worker.name)


def failures() -> list[Condition]:
    """Return what has failed: the workers that did, those that are down first, and what ended badly."""
    known = [*(worker.condition for worker in running()), *tuple(_ended)]
    return sorted((one for one in known if one.failures), key=lambda one: (-one.in_a_row, one.name))
