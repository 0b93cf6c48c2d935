"""The steps of a deployment and what they tell of themselves while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from underpass.deploy.clock import Clock, Stopped

Kind: TypeAlias = Literal["started", "progress", "warning", "said", "finished", "failed", "stopped"]


@dataclass(frozen=True)
class Event:
    """Something a deployment tells while it runs.

    Attributes
    ----------
    kind
        A step ``started``, made ``progress``, gave a ``warning``, passed on what an application ``said``,
        ``finished``, ``failed``, or was ``stopped`` because another failed.
    step
        What the step is about, such as ``preflight``, ``foundation``, ``release`` or ``consumer NAME``.
    seconds
        How long the step has lasted.
    text
        What happened, for people.
    done, total
        How many of the step's resources are finished; 0 of 0 where they are not counted.
    """

    kind: Kind
    step: str
    seconds: float
    text: str = ""
    done: int = 0
    total: int = 0


class Step:
    """One step under way."""

    def __init__(self, name: str, emit: Callable[[Event], None], clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.outcome = ""  # what ``finished`` will say
        self._emit = emit
        self._began = clock.now()

    def tell(self, kind: Kind, text: str = "", done: int = 0, total: int = 0) -> None:
        """Emit an event of this step."""
        self._emit(Event(kind, self.name, self.clock.now() - self._began, text, done, total))


class Steps:
    """Runs steps, several at once where asked to, and emits their events one at a time."""

    def __init__(self, emit: Callable[[Event], None], clock: Clock) -> None:
        self.clock = clock
        self._emit = emit
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Tell that a step started, and how it ended."""
        step = Step(name, self._one_at_a_time, self.clock)
        step.tell("started")
        try:
            yield step
        except (Stopped, KeyboardInterrupt):
            step.tell("stopped")
            raise
        except Exception as error:
            step.tell("failed", str(error))
            raise
        step.tell("finished", step.outcome)

    def together(self, *jobs: Callable[[], Any]) -> list[Any]:
        """Run jobs side by side and return their results in order.

        When one fails the others stop at their next wait, and its error is raised.
        """
        if not jobs:
            return []
        with ThreadPoolExecutor(len(jobs)) as pool:
            running = [pool.submit(job) for job in jobs]
            try:
                for ended in as_completed(running):
                    ended.result()
            except BaseException:
                self.clock.stop()
                raise
        return [ended.result() for ended in running]

    def _one_at_a_time(self, event: Event) -> None:
        with self._lock:
            self._emit(event)


def kept(job: Callable[[], Any]) -> Callable[[], Any]:
    """Return a job that gives its error back, and stops nothing beside it; see ``unwrapped``."""

    def run() -> Any:
        try:
            return job()
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001  raised by ``unwrapped``
            return error

    return run


def unwrapped(result: Any) -> Any:
    """Return what a job that is ``kept`` gave, or raise its error."""
    if isinstance(result, Exception):
        raise result
    return result
