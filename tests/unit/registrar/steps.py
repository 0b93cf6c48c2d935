"""Runs that go one call at a time, so that a test can let the world, or another run, go on in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.registrar.fakes import ENVIRONMENT, Aws, Time

from underpass.registrar.index import Memory, RunFailedError, Settings, run


class Stepped:
    """One run in a thread that waits before each of its calls until it is told to go on.

    Attributes
    ----------
    started
        The world's tick when it began.
    refused
        Errors the fakes gave it that trying again does not mend.
    named
        What ``all.NAME`` answered; None when it was not asked, or did not answer.
    """

    def __init__(
        self, aws: Aws, started: int, environment: Mapping[str, str], memory: Memory
    ) -> None:
        self.started = started
        self.refused = 0
        self.named: frozenset[str] | None = None
        self.report: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self.done = False
        self.checks: list[Callable[[Stepped, str, Mapping[str, Any]], None]] = []
        self._aws, self._environment, self._memory = aws, environment, memory
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let it go on to its next call, or its end; what a check found is raised here."""
        self._go.release()
        self._paused.acquire()
        if self.done and self.error and not isinstance(self.error, RunFailedError):
            raise self.error

    def finish(self) -> None:
        while not self.done:
            self.step()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Be the client: answer an operation as the fakes do, once it is this run's turn."""
        if operation.startswith("_"):
            raise AttributeError(operation)

        def call(**arguments: Any) -> Any:
            self._wait()
            for check in self.checks:
                check(self, operation, arguments)
            try:
                return getattr(self._aws, operation)(**arguments)
            except Exception as error:
                told = getattr(error, "response", {}).get("Error", {}).get("Code")
                self.refused += told != "Throttling"
                raise

        return call

    def _resolve(self, name: str) -> frozenset[str]:
        self._wait()
        answer = self._aws.resolve(name)
        if name.startswith("all."):
            self.named = answer
        return answer

    def _wait(self) -> None:
        self._paused.release()
        self._go.acquire()

    def _work(self) -> None:
        self._go.acquire()
        try:
            self.report = run(
                Settings.read({**ENVIRONMENT, **self._environment}),
                self,
                self,
                calls=Time().calls(),
                resolve=self._resolve,
                memory=self._memory,
                say=lambda _: None,
            )
        except BaseException as error:  # noqa: BLE001  raised by step
            self.error = error
        self.done = True
        self._paused.release()
