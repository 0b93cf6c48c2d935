"""Steps: what they tell, and what happens to the others when one fails."""

import threading

import pytest
from tests.unit.deploy.fakes import FakeClock

from underpass.deploy.clock import Clock, Stopped
from underpass.deploy.steps import Event, Steps


def test_a_step_tells_its_start_its_end_and_how_long_it_took() -> None:
    events: list[Event] = []
    clock = FakeClock()
    with Steps(events.append, clock).step("image") as step:
        clock.pause(2)
        step.tell("progress", "half", 1, 2)
        clock.pause(1)
        step.outcome = "done"
    assert events == [
        Event("started", "image", 0.0),
        Event("progress", "image", 2.0, "half", 1, 2),
        Event("finished", "image", 3.0, "done"),
    ]


def test_results_come_in_the_order_of_the_jobs() -> None:
    first_may_end = threading.Event()

    def first() -> int:
        assert first_may_end.wait(5)
        return 1

    def second() -> int:
        first_may_end.set()
        return 2

    assert Steps(lambda _: None, FakeClock()).together(first, second) == [1, 2]
    assert Steps(lambda _: None, FakeClock()).together() == []


def test_when_a_job_fails_the_others_stop_at_their_next_wait() -> None:
    events: list[Event] = []
    steps = Steps(events.append, Clock())
    waiting = threading.Event()

    def waits() -> None:
        with steps.step("data") as step:
            waiting.set()
            step.clock.pause(30)

    def fails() -> None:
        assert waiting.wait(5)
        with steps.step("assets"):
            raise ValueError("no bucket")

    with pytest.raises(ValueError, match="no bucket"):
        steps.together(waits, fails)
    assert {(event.step, event.kind) for event in events} == {
        ("data", "started"),
        ("assets", "started"),
        ("assets", "failed"),
        ("data", "stopped"),
    }
    assert steps.clock.now() < 10


def test_interrupted_is_not_failed() -> None:
    events: list[Event] = []
    with pytest.raises(KeyboardInterrupt), Steps(events.append, FakeClock()).step("image"):
        raise KeyboardInterrupt
    assert [event.kind for event in events] == ["started", "stopped"]
    with pytest.raises(Stopped), Steps(events.append, FakeClock()).step("image"):
        raise Stopped
    assert events[-1].kind == "stopped"
