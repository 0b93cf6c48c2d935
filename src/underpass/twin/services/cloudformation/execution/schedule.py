"""What may run when, as a dependency graph is worked off. ``Schedule`` is pure; ``drive`` adds threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, Protocol

from underpass.cloudformation.graph import Graph
from underpass.twin.region.worker import once

Call = Callable[[], Any]
Spawn = Callable[[str, Callable[[], None]], None]
SIDE_BY_SIDE = 16  # how many resources of one stack are worked on at once


@dataclass(frozen=True)
class Schedule:
    """How far the work on a graph is.

    Attributes
    ----------
    needs
        What must be done before each name; names outside the graph count as done.
    stops
        Whether a failure keeps what has not begun from beginning; else only what needs the failed one.
    """

    needs: Graph
    stops: bool = True
    running: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()

    def ready(self) -> tuple[str, ...]:
        """Return what may begin now, in the graph's order."""
        if self.stops and self.failed:
            return ()
        begun = self.running | self.done | self.failed
        return tuple(
            name
            for name, needs in self.needs.items()
            if name not in begun and needs & self.needs.keys() <= self.done
        )

    def start(self, name: str) -> Schedule:
        """Return the schedule with ``name`` begun."""
        return replace(self, running=self.running | {name})

    def finish(self, name: str, *, ok: bool) -> Schedule:
        """Return the schedule with ``name`` ended."""
        running = self.running - {name}
        if ok:
            return replace(self, running=running, done=self.done | {name})
        return replace(self, running=running, failed=self.failed | {name})


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    value: Any = None
    error: Exception | None = None


class Work(Protocol):
    """What is done for each name. Its methods run in one thread; only the calls run beside it."""

    def begin(self, name: str) -> Call | None:
        """Note the beginning and return the call to make, or None when there is nothing to do."""

    def end(self, name: str, outcome: Outcome) -> bool:
        """Note the end; tell whether what needs ``name`` may go on."""

    def cancel(self, running: frozenset[str]) -> None:
        """Note that one failed while ``running`` were under way."""


def in_thread(name: str, run: Callable[[], None]) -> None:
    """Run something in a thread of its own, which does not keep the process alive."""
    once(f"stack-{name}", run)


def at_once(_name: str, run: Callable[[], None]) -> None:
    """Run something here and now: one after the other, for tests."""
    run()


def drive(
    schedule: Schedule, work: Work, spawn: Spawn = in_thread, limit: int = SIDE_BY_SIDE
) -> Schedule:
    """Work a schedule off: each name begins as soon as what it needs is done. Returns when nothing runs."""
    ended: SimpleQueue[tuple[str, Outcome]] = SimpleQueue()

    def launch(name: str) -> None:
        try:
            call = work.begin(name)
        except Exception as error:  # noqa: BLE001  whatever it is, it ends this resource, not the stack's thread
            ended.put((name, Outcome(error=error)))
            return
        if call is None:
            ended.put((name, Outcome()))
        else:
            spawn(name, lambda: ended.put((name, _attempt(call))))

    while True:
        for name in schedule.ready()[: limit - len(schedule.running)]:
            schedule = schedule.start(name)
            launch(name)
        if not schedule.running:
            return schedule
        name, outcome = ended.get()
        ok = work.end(name, outcome)
        first_failure = not ok and not schedule.failed
        schedule = schedule.finish(name, ok=ok)
        if first_failure and schedule.stops:
            work.cancel(schedule.running)


def _attempt(call: Call) -> Outcome:
    try:
        return Outcome(call())
    except Exception as error:  # noqa: BLE001  handed on to Work.end, which tells what it was
        return Outcome(error=error)
