"""Runs that go one call at a time, so that a test can let the world, or another run, go on in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.unit.registrar.fakes import ENVIRONMENT, Aws, Time

from underpass.registrar.index import Memory, RunFailedError, Settings, run


@dataclass(frozen=True)
class Look:
    """What one run saw of a witness, and when: it asked after ``began_s`` and knew at ``ended_s``."""

    witness: str
    seen: frozenset[str]
    began_s: float
    ended_s: float


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
    listed
        The addresses of the nodes that EC2 listed to it; None until it has read them all.
    looks
        What runs with the same memory saw, in the order in which they did; this one adds to it.
    """

    def __init__(
        self,
        aws: Aws,
        started: int,
        environment: Mapping[str, str],
        memory: Memory,
        wall: Time,
        looks: list[Look],
    ) -> None:
        self.started = started
        self.began_s: float | None = None
        self.listed: frozenset[str] | None = None
        self.detaching: set[str] = set()
        self.unattached: set[str] = set()
        self.answer: frozenset[str] = frozenset()
        self.looks = looks
        self._pages: set[str] = set()
        self._broken: AssertionError | None = None
        self._wall = wall
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
        if self._broken:
            raise self._broken
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
            try:
                for check in self.checks:
                    check(self, operation, arguments)
            except AssertionError as error:  # the run would note it and go on, as with any failure
                self._broken = error
                raise
            try:
                answer = getattr(self._aws, operation)(**arguments)
            except Exception as error:
                told = getattr(error, "response", {}).get("Error", {}).get("Code")
                self.refused += told != "Throttling"
                raise
            self._listing(arguments, answer)
            return answer

        return call

    def _listing(self, arguments: Mapping[str, Any], page: Any) -> None:
        filters = {one["Name"] for one in arguments.get("Filters", ())}
        if "description" not in filters:
            return
        for one in page["NetworkInterfaces"]:
            if one["RequesterManaged"]:
                address, status = one["PrivateIpAddress"], one["Status"]
                (self.detaching if status == "detaching" else self._pages).add(address)
                if status == "available":
                    self.unattached.add(address)
        if not page.get("NextToken"):
            self.listed = frozenset(self._pages)
            self._look("EC2", self.listed)

    def _resolve(self, name: str) -> frozenset[str]:
        self._wait()
        self.answer = self._aws.resolve(name)
        if name.startswith("all."):
            self.named = self.answer
            self._look("DNS", self.named)
        return self.answer

    def _look(self, witness: str, seen: frozenset[str]) -> None:
        assert self.began_s is not None
        self.looks.append(Look(witness, seen, self.began_s, self._wall()))

    def _clock(self) -> float:
        if self.began_s is None:
            self.began_s = self._wall()
        return self._wall()

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
                clock=self._clock,
                say=lambda _: None,
            )
        except BaseException as error:  # noqa: BLE001  raised by step
            self.error = error
        self.done = True
        self._paused.release()
