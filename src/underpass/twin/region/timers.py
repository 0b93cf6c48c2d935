"""Work that is due later, all of it in one thread: ``later(seconds, work)``."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from underpass.twin.region.worker import Worker


@dataclass(order=True)
class Timer:
    """Work that is due, unless it is cancelled before."""

    due_s: float
    number: int
    work: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        """Have the work not be done."""
        self.work = None


class Timers:
    """What is due when. Of two that are due at once, the one that was asked for first comes first.

    Parameters
    ----------
    clock
        Tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[Timer] = []
        self._numbers = itertools.count()
        self._worker: Worker | None = None

    def later(self, seconds: float, work: Callable[[], object]) -> Timer:
        """Have ``work``, which must return at once, done after ``seconds``."""
        timer = Timer(self._clock() + seconds, next(self._numbers), work)
        with self._changed:
            heapq.heappush(self._waiting, timer)
            self._changed.notify()
            if self._worker is None:
                self._worker = Worker("timers", self.turn, self._wake).start()
        return timer

    def turn(self) -> None:
        """Do what is due, or wait until something is."""
        with self._changed:
            left_s = self._waiting[0].due_s - self._clock() if self._waiting else None
            if left_s is None or left_s > 0:
                self._changed.wait(left_s)
                return
            work = heapq.heappop(self._waiting).work
        if work:
            work()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()


later = Timers().later
