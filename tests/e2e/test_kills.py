"""Workers that fail and processes that are killed, under load: all is back soon, and ``status`` tells of it.

``make soak`` makes 100 of these kills; ``SEED`` repeats those of another run.
"""

from __future__ import annotations

import collections
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Project, client, copy_of_example

from underpass.config import load
from underpass.twin.host import launch
from underpass.twin.host.running_twins import Running, find, start_time, state_folder
from underpass.twin.region import control_socket
from underpass.twin.services.ecs.deployments import WELL_S

KILLS = int(os.environ.get("KILLS", "10"))
SEED = int(os.environ.get("SEED", random.randrange(10**6)))
BACK_WITHIN_S = float(os.environ.get("WITHIN_S", "30"))  # ``make soak``: 5
IDLE = (
    "api-0.0.0.0",
    "api-127.0.0.1:",  # 4566, or the next that is free
    "fsmt-",
)  # they wait for a caller who does not come here
DATABASE_KILLS, DATABASE_WINDOW_S = 3, 60.0  # more, and RDS says that it "keeps ending"
TASK_S = WELL_S + 3.0  # one that ends younger is part of a crash loop, which ECS slows down


class Twin:
    """A running example that may be killed in parts, and what calls it meanwhile."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.state = state_folder(project.folder)
        config = load(project.folder)
        with launch.locked(self.state):
            launch.start(self.state, config.name, config.region, api_port=None, faults=True).keep()
        self.summary = project.up()
        running = find(self.state)
        assert running
        self.running: Running = running
        self.url = next(iter(self.summary["consumers"].values()))["url"]
        self.region = _children(_children(running.pid)[0])[0]
        self._ecs = client(self.summary, "ecs")
        self._ending = threading.Event()
        self._load = threading.Thread(target=self._call, daemon=True)
        self._load.start()

    def stop(self) -> None:
        self._ending.set()
        self._load.join()
        self.project.run("down")

    def _call(self) -> None:
        while not self._ending.wait(0.2):
            self.answers()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def failures(self) -> list[dict[str, Any]]:
        told = control_socket.call(self.state, "status")["failures"]
        return [dict(one) for one in told]

    def tasks(self) -> frozenset[str]:
        cluster = self._ecs.list_clusters()["clusterArns"][0]
        return frozenset(self._ecs.list_tasks(cluster=cluster)["taskArns"])

    def workers(self) -> list[str]:
        names = control_socket.call(self.state, "fault", worker="", why="")
        return [name for name in names if not name.startswith(IDLE)]

    def fail(self, name: str, why: str) -> None:
        control_socket.call(self.state, "fault", worker=name, why=why)

    def processes(self) -> dict[int, str]:
        """The region's children that stay, by pid: what each is."""
        before = set(_children(self.region))
        time.sleep(0.3)
        return {pid: _words(pid) for pid in _children(self.region) if pid in before and _words(pid)}


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return sorted(found)


def _words(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    for known in ("envoy", "postgres", "tls.py", "bootstrap.py"):
        if any(word.endswith(known) for word in words):
            return known
    return "task" if words[0] == "/bin/sh" else " ".join(words[:3]).strip()


def _awaited(what: str, condition: Callable[[], object], began_s: float) -> float:
    """Return after how many seconds ``condition`` held."""
    while not condition():
        assert time.monotonic() - began_s < BACK_WITHIN_S, f"not within {BACK_WITHIN_S} s: {what}"
        time.sleep(0.05)
    took_s = time.monotonic() - began_s
    assert took_s < BACK_WITHIN_S, what
    return took_s


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    project = Project(copy_of_example(tmp_path_factory.mktemp("killed")))
    try:
        made = Twin(project)
    except BaseException:
        project.run("down")
        raise
    yield made
    made.stop()


def test_everything_is_back_soon_whatever_is_killed(twin: Twin) -> None:
    print(f"SEED={SEED} KILLS={KILLS}")
    draw, slowest_s = random.Random(SEED), 0.0
    databases: collections.deque[float] = collections.deque(maxlen=DATABASE_KILLS)
    for number in range(KILLS):
        if draw.random() < 0.5:
            seconds, what = _fail_one(twin, draw, f"kill {number} of {SEED}")
        else:
            seconds, what = _kill_one(twin, draw, databases)
        slowest_s = max(slowest_s, seconds)
        print(f"{number}: {what} was back after {seconds:.2f} s")
    print(f"the slowest took {slowest_s:.2f} s")
    assert twin.project.run("status").status == 0


def _fail_one(twin: Twin, draw: random.Random, why: str) -> tuple[float, str]:
    name, began_s = draw.choice(twin.workers()), time.monotonic()
    twin.fail(name, why)
    _awaited(f"status tells that {name} failed", lambda: why in str(twin.failures()), began_s)
    return _all_back(twin, name, began_s), name


def _kill_one(
    twin: Twin, draw: random.Random, databases: collections.deque[float]
) -> tuple[float, str]:
    before, tasks, told = twin.processes(), twin.tasks(), twin.failures()
    spared = ("postgres", "tls.py") if _worn(databases) else ()
    old = [pid for pid in before if before[pid] != "task" or _age_s(pid) > TASK_S]
    kind = draw.choice(sorted({before[pid] for pid in old if before[pid] not in spared}))
    pid, began_s = draw.choice([pid for pid in old if before[pid] == kind]), time.monotonic()
    if kind in {"postgres", "tls.py"}:
        databases.append(began_s)
    os.kill(pid, signal.SIGKILL)
    if kind != "bootstrap.py":  # a function's environment is made anew at its next call
        _awaited(
            f"status tells that {kind} ended",
            lambda: twin.failures() != told or twin.tasks() != tasks,
            began_s,
        )
        wanted = list(before.values()).count(kind)
        _awaited(
            f"{kind} runs again",
            lambda: list(twin.processes().values()).count(kind) >= wanted,
            began_s,
        )
    return _all_back(twin, kind, began_s), f"process {pid}, {kind},"


def _age_s(pid: int) -> float:
    began = (start_time(pid) or 0) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def _worn(databases: collections.deque[float]) -> bool:
    full = len(databases) == DATABASE_KILLS
    return full and time.monotonic() - databases[0] < DATABASE_WINDOW_S


def _all_back(twin: Twin, what: str, began_s: float) -> float:
    _awaited(
        f"no worker is down after {what}",
        lambda: not any(one["down"] for one in twin.failures()),
        began_s,
    )
    return _awaited(f"the path works after {what}", twin.answers, began_s)
