"""Ports, locks and records of a region, without one running."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from underpass.errors import UnderpassError, UsageError
from underpass.twin.host import launch, running_twins
from underpass.twin.host.running_twins import Running


def _record(state: Path, pid: int, started: int) -> Running:
    return Running(state, "notes", pid, started, "us-east-1", 4566, {"analytics": 8080})


def test_a_wanted_port_that_is_taken_is_refused_by_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be taken"):
            launch.bind(port, 1)


def test_a_preferred_port_that_is_taken_gives_way_to_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launch.bind(None, port) as found:
            assert found.getsockname()[1] != port


def test_one_command_at_a_time(tmp_path: Path) -> None:
    with (
        launch.locked(tmp_path),
        pytest.raises(UnderpassError, match="at work"),
        launch.locked(tmp_path),
    ):
        pass


def test_a_record_is_found_while_its_process_lives(tmp_path: Path) -> None:
    alive = _record(tmp_path, os.getpid(), running_twins.start_time(os.getpid()) or 0)
    alive.save()
    assert running_twins.find(tmp_path) == alive


@pytest.mark.parametrize("text", ["", "not json", '{"pid": 1}', "[]"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "region.json").write_text(text)
    assert running_twins.find(tmp_path) is None


def test_a_recycled_pid_is_not_taken_for_the_region(tmp_path: Path) -> None:
    _record(tmp_path, os.getpid(), 1).save()
    assert running_twins.find(tmp_path) is None
    assert not (tmp_path / "region.json").exists()


def test_nothing_runs_here(tmp_path: Path) -> None:
    with pytest.raises(UnderpassError, match="no twin runs here") as caught:
        running_twins.select(tmp_path)
    assert caught.value.try_next == f"run `underpass up {tmp_path}`"


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_switch_that_forbids_namespaces_is_named(
    tmp_path: Path, switch: str, value: str, command: str
) -> None:
    file = tmp_path / switch
    file.parent.mkdir(parents=True)
    file.write_text(value + "\n")
    error = launch.not_allowed("unshare failed", tmp_path)
    assert command in error.try_next
    assert switch in error.why


def test_an_unknown_reason_is_told_as_it_is(tmp_path: Path) -> None:
    assert "Operation not permitted" in launch.not_allowed("Operation not permitted", tmp_path).why
