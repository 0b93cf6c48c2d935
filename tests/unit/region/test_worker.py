"""A worker goes on after whatever its turn raised, at growing intervals, and says what it was."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import underpass.twin
from underpass.twin.region import worker
from underpass.twin.region.worker import Condition, Worker

TWIN = Path(underpass.twin.__file__).parent


@given(st.lists(st.booleans(), max_size=60))
def test_a_condition_counts_all_failures_and_those_in_a_row(turns: list[bool]) -> None:
    condition, row, since = Condition("any"), 0, 0.0
    for now, good in enumerate(turns, 1):
        since = float(now) if not row and not good else since
        row = 0 if good else row + 1
        condition = condition.recovered() if good else condition.failed(ValueError(now), now)
        assert (condition.in_a_row, condition.since) == (row, since)
    assert condition.failures == turns.count(False)
    assert bool(condition.error) == (False in turns)


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0.1, max_value=60))
def test_pauses_grow_up_to_the_longest(in_a_row: int, longest_s: float) -> None:
    before, after = Condition("any", in_a_row=in_a_row), Condition("any", in_a_row=in_a_row + 1)
    assert 0 < before.pause_s(longest_s) <= after.pause_s(longest_s) <= longest_s
    assert Condition("any").pause_s(longest_s) == 0


def _taking(turns: list[Callable[[], object]]) -> tuple[Worker, list[float]]:
    """Return a worker that has taken these turns, here and now, and the pauses it made."""
    left, pauses = iter(turns), list[float]()

    def turn() -> None:
        work = next(left, None)
        if work is None:
            made.stopping.set()
        else:
            work()

    made = Worker("tried", turn, pause=pauses.append)
    made.run()
    return made, pauses


def _bad() -> None:
    raise ValueError("bad luck")


def test_a_turn_that_raises_is_followed_by_the_next() -> None:
    made, pauses = _taking([_bad, _bad, _bad, lambda: None, _bad, lambda: None])
    assert pauses == [0.1, 0.2, 0.4, 0.1]
    assert made.condition.failures == 4
    assert made.condition.in_a_row == 0
    assert made.condition.error == "ValueError: bad luck"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_nothing_that_is_raised_ends_it(error: type[BaseException]) -> None:
    def end() -> None:
        raise error

    made, _ = _taking([end, lambda: None])
    assert made.condition.failures == 1


def test_one_that_goes_on_for_a_while_counts_as_well_before_its_turn_ends() -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(made.condition.in_a_row)
        made.stopping.set()

    for settled_s in (0.0, float("inf")):
        made = Worker("tried", look, settled_s=settled_s)
        made._condition = Condition("tried").failed(ValueError(), 1.0)
        made.run()
    assert seen == [0, 1]


def test_what_a_stopped_worker_raises_is_no_failure() -> None:
    def turn() -> None:
        made.stopping.set()
        raise OSError("its socket was closed")

    made = Worker("tried", turn)
    made.run()
    assert made.condition.failures == 0


def test_a_fault_ends_the_wait_and_the_worker_goes_on() -> None:
    woken, turns, again = threading.Event(), list[int](), threading.Event()

    def turn() -> None:
        turns.append(1)
        if len(turns) > 1:
            again.set()
        woken.wait(10)
        woken.clear()

    made = Worker("faulty", turn, woken.set).start()
    assert made in worker.running()
    made.fail("for a test")
    assert again.wait(10)
    assert made.condition.error == "RuntimeError: for a test"
    assert "faulty" in {one.name for one in worker.failures()}
    made.stop()
    assert not made.is_alive()
    assert made not in worker.running()


def test_nobody_else_starts_threads() -> None:
    starts = {"Thread", "Timer"}
    found = {
        str(path.relative_to(TWIN))
        for path in TWIN.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).removeprefix("threading.") in starts
    }
    assert found == {
        "region/timers.py",
        "region/worker.py",
    }  # of which the first's ``Timer`` is a value


def test_what_ends_badly_is_told_but_is_not_down() -> None:
    worker.once("a-request", _bad).join()
    told = next(one for one in worker.failures() if one.name == "a-request")
    assert (told.error, told.failures, told.in_a_row) == ("ValueError: bad luck", 1, 0)
