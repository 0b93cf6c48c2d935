"""A deployment's time: how long it has run, and waits that end at once when it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from underpass.errors import UnderpassError

T = TypeVar("T")

_SHORTEST_S = 0.05
_LONGEST_S = 5.0
_SHARE = 20  # a wait may end late by a twentieth of what it has lasted


class Stopped(Exception):  # noqa: N818  not an error: another part of the deployment failed, or Ctrl-C
    """The deployment is to end; what waits gives up."""


class Clock:
    """The real time. Tests use one that passes as fast as it is asked to."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._stopping = threading.Event()

    def now(self) -> float:
        """Return the seconds since the clock was made."""
        return time.monotonic() - self._began

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises
        ------
        Stopped
            As soon as ``stop`` is called, by any thread.
        """
        if self._stopping.wait(seconds):
            raise Stopped

    def stop(self) -> None:
        """End all waits, those to come too."""
        self._stopping.set()


def poll(clock: Clock, look: Callable[[], T | None], *, timeout_s: float, what: str) -> T:
    """Return the first answer of ``look`` that is not None.

    It looks again after 50 ms at first, and after up to 5 s the longer it takes: what is quick is seen
    quickly, and what takes an hour is not asked about a thousand times a minute.

    Raises
    ------
    UnderpassError
        When ``timeout_s`` seconds have passed; ``what`` says what was waited for.
    """
    began = clock.now()
    while (answer := look()) is None:
        waited = clock.now() - began
        if waited >= timeout_s:
            raise UnderpassError(
                f"{what} took too long", f"gave up after {timeout_s:.0f} s", "run the command again"
            )
        clock.pause(min(max(_SHORTEST_S, waited / _SHARE), _LONGEST_S))
    return answer
