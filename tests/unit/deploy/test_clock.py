"""Waiting: quick to see what is quick, and ended at once when all is to stop."""

import threading
import time

import pytest
from tests.unit.deploy.fakes import FakeClock

from underpass.deploy.clock import Clock, Stopped, poll
from underpass.errors import UnderpassError


def test_it_looks_often_at_first_and_seldom_later() -> None:
    clock = FakeClock()
    assert poll(clock, lambda: clock.time > 1000 or None, timeout_s=2000, what="it") is True
    assert clock.pauses[0] == 0.05
    assert max(clock.pauses) == 5.0
    assert clock.pauses == sorted(clock.pauses)
    assert len(clock.pauses) < 300


def test_what_is_there_is_returned_without_a_wait() -> None:
    clock = FakeClock()
    assert poll(clock, lambda: 0, timeout_s=1, what="it") == 0
    assert not clock.pauses


def test_it_gives_up_and_says_on_what() -> None:
    with pytest.raises(UnderpassError, match="the stack took too long: gave up after 60 s"):
        poll(FakeClock(), lambda: None, timeout_s=60, what="the stack")


def test_stop_ends_a_wait_of_another_thread() -> None:
    clock = Clock()
    threading.Timer(0.05, clock.stop).start()
    with pytest.raises(Stopped):
        clock.pause(30)
    assert clock.now() < 5
    before = time.monotonic()
    with pytest.raises(Stopped):
        clock.pause(30)
    assert time.monotonic() - before < 1
