"""What happens when a sandbox cannot be started: an error soon, and nobody left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from underpass.twin.linux import isolation, process
from underpass.twin.linux.isolation import Spec
from underpass.twin.linux.process import StartError, start

# As the launcher does: says who the application is, and then neither of them gets any further.
STUCK = """
import json, os, socket, sys, time
control = socket.socket(fileno=int(sys.argv[1]))
control.recv(65536)
pid = os.fork()
if pid:
    control.send(json.dumps({"pid": pid}).encode())
time.sleep(600)
"""


def spec(tmp_path: Path, **more: object) -> Spec:
    return Spec(tmp_path, ("true",), {}, tmp_path, **more)  # type: ignore[arg-type]


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_what_cannot_be_written_down_starts_nothing(tmp_path: Path) -> None:
    before = children()
    with pytest.raises(TypeError):
        start(spec(tmp_path, hostname=b"bytes"), 1)
    assert children() == before


def test_a_launcher_that_is_stuck_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    monkeypatch.setattr(process, "LAUNCH", (sys.executable, "-c", STUCK))
    monkeypatch.setattr(process, "START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(process, "END_TIMEOUT_S", 0.2)
    with pytest.raises(StartError, match="was not ready"):
        start(spec(tmp_path), 1)
    assert children() == before


def test_a_search_path_may_name_what_cannot_be_looked_into(tmp_path: Path) -> None:
    closed = "/" + "x" * 300  # for root every folder is open, but no name may be so long
    seen = isolation._programs(f"{tmp_path}:{closed}/bin:/nowhere", "python")[0]
    assert not any(folder.startswith(closed) for folder in seen)
    assert "/nowhere" not in seen
