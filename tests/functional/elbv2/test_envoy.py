"""The keeper of Envoy's process, with other programs in its place."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from underpass.twin.services.elbv2.alb_envoy_config import Resources
from underpass.twin.services.elbv2.envoy import EnvoyProcess

ANYTHING = Resources(listeners=({"name": "one"},))
SLEEP = ["sleep", "60"]


class Keeper(EnvoyProcess):
    """Starts what it is told to instead of Envoy."""

    def __init__(self, folder: Path, next_command: Callable[[], list[str]]) -> None:
        super().__init__(folder, folder / "envoy.log")
        self.next_command = next_command

    def _command(self) -> list[str]:
        return self.next_command()


def eventually(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_tried_again_when_it_cannot_be_started(tmp_path: Path) -> None:
    commands = iter([["/nowhere/envoy"], ["/nowhere/envoy"]])
    keeper = Keeper(tmp_path, lambda: next(commands, SLEEP))
    keeper.apply(ANYTHING)
    eventually(lambda: keeper.pid)
    keeper.apply(ANYTHING)
    keeper.stop()
    assert keeper.pid is None


def test_it_is_started_again_when_it_ends(tmp_path: Path) -> None:
    commands = iter([["true"], ["false"]])
    keeper = Keeper(tmp_path, lambda: next(commands, SLEEP))
    keeper.apply(ANYTHING)
    eventually(lambda: keeper.pid)
    keeper.stop()
    assert keeper.pid is None


def test_none_is_started_once_it_was_told_to_stop(tmp_path: Path) -> None:
    stopping: list[threading.Thread] = []

    def next_command() -> list[str]:
        if not stopping:  # the first start: it ends at once, and the restart meets the stop
            stopping.append(threading.Thread(target=keeper.stop))
            return ["true"]
        stopping[0].start()
        assert keeper._watcher.stopping.wait(10)
        return SLEEP

    keeper = Keeper(tmp_path, next_command)
    keeper.apply(ANYTHING)
    eventually(lambda: stopping and stopping[0].ident)
    stopping[0].join()
    keeper._watcher.join(10)
    try:
        assert not keeper._watcher.is_alive()
        assert keeper.pid is None
    finally:
        if keeper.pid:
            os.kill(keeper.pid, signal.SIGKILL)
