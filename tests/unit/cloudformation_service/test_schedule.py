"""Side by side: what may start, and what a failure stops. Threads wait for each other, never for time."""

import threading
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.cloudformation.execution.schedule import (
    Call,
    Outcome,
    Schedule,
    at_once,
    drive,
)

needs = st.lists(st.frozensets(st.integers(0, 9), max_size=4), max_size=10).map(
    lambda found: {
        str(logical): frozenset(str(target) for target in targets if target < logical)
        for logical, targets in enumerate(found)
    }
)


class Log:
    """Work that fails for some, and notes what happens."""

    def __init__(
        self, failing: frozenset[str] = frozenset(), nothing: frozenset[str] = frozenset()
    ) -> None:
        self.failing, self.nothing = failing, nothing
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.cancelled: frozenset[str] | None = None

    def begin(self, name: str) -> Call | None:
        self.begun.append(name)
        return None if name in self.nothing else lambda: self.work(name)

    def work(self, name: str) -> Any:
        if name in self.failing:
            raise ValueError(name)

    def end(self, name: str, outcome: Outcome) -> bool:
        self.ended.append(name)
        return outcome.error is None

    def cancel(self, running: frozenset[str]) -> None:
        assert self.cancelled is None
        self.cancelled = running


@given(needs, st.frozensets(st.integers(0, 9)), st.integers(1, 4), st.booleans())
def test_everything_that_can_be_done_is_done_in_order(
    graph: dict[str, frozenset[str]], failing: frozenset[int], limit: int, stops: bool
) -> None:
    names = frozenset(map(str, failing)) & graph.keys()
    work = Log(names)
    final = drive(Schedule(graph, stops=stops), work, at_once, limit)
    assert final.running == frozenset()
    assert sorted(work.begun) == sorted(work.ended) == sorted(final.done | final.failed)
    assert final.failed <= names
    assert all(graph[name] <= final.done for name in work.begun)
    assert all(
        work.ended.index(need) < work.begun.index(name)
        for name in work.begun
        for need in graph[name]
    )
    if not names:
        assert final.done == graph.keys()
    if not stops:
        held = {name for name in graph if name not in work.begun}
        assert all(graph[name] & (final.failed | held) for name in held), "it could have been done"


def test_what_is_outside_the_graph_counts_as_done() -> None:
    assert Schedule({"a": frozenset({"elsewhere"})}).ready() == ("a",)


def test_a_failure_lets_nothing_new_begin_and_cancels_what_runs() -> None:
    schedule = Schedule({"a": frozenset(), "b": frozenset(), "c": frozenset({"a"})})
    schedule = schedule.start("a").start("b").finish("a", ok=True)
    assert schedule.ready() == ("c",)
    assert schedule.finish("b", ok=False).ready() == ()


class Gates(Log):
    """Each name's work ends when its gate opens."""

    def __init__(self, **gates: Callable[[], Any]) -> None:
        super().__init__()
        self.gates = gates

    def work(self, name: str) -> Any:
        return self.gates[name]()


def test_independent_names_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)
    final = drive(
        Schedule(dict.fromkeys("abc", frozenset())),
        Gates(a=meeting.wait, b=meeting.wait, c=meeting.wait),
    )
    assert final.done == {"a", "b", "c"}


def test_a_name_starts_when_its_own_needs_are_done_not_in_waves() -> None:
    third = threading.Event()

    def slow() -> None:
        assert third.wait(10), "c waited for b, which it does not need"

    graph = {"a": frozenset[str](), "b": frozenset[str](), "c": frozenset({"a"})}
    final = drive(Schedule(graph), Gates(a=int, b=slow, c=third.set))
    assert final.done == {"a", "b", "c"}


def test_no_more_than_the_limit_at_once() -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1

    names = [f"n{logical}" for logical in range(40)]
    final = drive(
        Schedule(dict.fromkeys(names, frozenset())), Gates(**dict.fromkeys(names, work)), limit=3
    )
    assert len(final.done) == 40
    assert most[0] <= 3


def test_those_under_way_when_one_fails_are_cancelled_and_waited_for() -> None:
    failed = threading.Event()

    class Failing(Gates):
        def cancel(self, running: frozenset[str]) -> None:
            super().cancel(running)
            failed.set()

    def lasting() -> None:
        assert failed.wait(10)

    work = Failing(a=lasting, b=lambda: 1 / 0, c=int)
    graph = {"a": frozenset[str](), "b": frozenset[str](), "c": frozenset({"b"})}
    final = drive(Schedule(graph), work)
    assert (sorted(final.done), sorted(final.failed)) == (["a"], ["b"])
    assert work.cancelled == frozenset({"a"})
    assert "c" not in work.begun
