"""Work is done when it is due, in order, and not when it was cancelled."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.region.timers import Timers
from underpass.twin.region.worker import Worker


class Clock:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _without_thread() -> tuple[Timers, Clock]:
    clock = Clock()
    timers = Timers(clock)
    timers._worker = Worker("never started", timers.turn)
    return timers, clock


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=20))
def test_due_work_is_done_in_order(asked: list[tuple[int, bool]]) -> None:
    timers, clock = _without_thread()
    done: list[int] = []
    for number, (seconds, cancelled) in enumerate(asked):
        timer = timers.later(seconds, lambda number=number: done.append(number))  # type: ignore[misc]
        if cancelled:
            timer.cancel()
    clock.now_s = 10.0
    for _ in asked:
        timers.turn()
    kept = [(seconds, number) for number, (seconds, gone) in enumerate(asked) if not gone]
    assert done == [number for _, number in sorted(kept)]


def test_work_that_raises_is_not_done_again() -> None:
    timers, _ = _without_thread()
    done: list[str] = []
    timers.later(0.0, iter(()).__next__)
    timers.later(0.0, lambda: done.append("second"))
    with pytest.raises(StopIteration):
        timers.turn()
    timers.turn()
    assert done == ["second"]


def test_something_sooner_ends_the_wait_for_something_later() -> None:
    timers, done = Timers(), threading.Event()
    timers.later(3600.0, lambda: None)
    timers.later(0.01, done.set)
    assert done.wait(10)
