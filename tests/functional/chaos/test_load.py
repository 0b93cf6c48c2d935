"""A load ends by itself, whatever becomes of its requests."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from underpass.errors import UnderpassError
from underpass.twin.chaos import demand, load
from underpass.twin.chaos.demand import Demand, under_load
from underpass.twin.chaos.load import Load
from underpass.twin.host import nsenter
from underpass.twin.host.running_twins import Running


def test_what_waits_for_answers_does_not_make_a_load_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "MOST_UNDER_WAY", 5)
    monkeypatch.setattr(load, "TIMEOUT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        told = asyncio.run(Load(url, "/", rate=100, seconds=0.5).run())
    assert (told["requests"], told["failed"]) == (50, 50)
    assert told["errors"]["NotSent"] >= 40


def test_a_load_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nsenter, "command", lambda *_: ["sleep", "600"])
    monkeypatch.setattr(demand, "_PATIENCE_S", 0.1)
    monkeypatch.setattr(demand, "BEFORE_S", 0.0)
    monkeypatch.setattr(load, "TIMEOUT_S", 0.1)
    running = Running(tmp_path, "notes", 1, 1, "us-east-1", 4566)
    with pytest.raises(UnderpassError, match="does not end"):
        under_load(running, Demand("desk", "http://x", "/", seconds=0.1), lambda: None)
