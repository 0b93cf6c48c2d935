"""Ports, locks and records of a region, without one running."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
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


def test_a_port_that_no_consumer_is_to_have_is_refused(tmp_path: Path) -> None:
    running = _record(tmp_path, os.getpid(), 1)
    running = replace(running, forwards={"analytics": 8080, "gone": 9000})
    with pytest.raises(UsageError, match="no consumer takes port 9000") as caught:
        launch.open_forwards(running, {"analytics": ("notes", 80)}, port=9000)
    assert caught.value.why == "analytics keeps 8080"
    assert str(tmp_path.parent) in caught.value.try_next


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


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_only_its_user_may_look_into_a_state_folder(tmp_path: Path, before: int | None) -> None:
    state = tmp_path / ".underpass"
    if before is not None:
        state.mkdir()
        state.chmod(before)
        (state / "databases").mkdir()
    with launch.locked(state):
        assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "databases").exists() is (before is not None)


def test_a_state_folder_of_another_users_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = os.geteuid()
    state = tmp_path / ".underpass"
    state.mkdir(mode=0o755)
    _record(state, os.getpid(), running_twins.start_time(os.getpid()) or 0).save()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    for use in (lambda: launch.locked(state).__enter__(), lambda: running_twins.select(tmp_path)):
        with pytest.raises(UsageError, match="belongs to another user") as caught:
            use()
        assert f"user {me}'s" in caught.value.why
        assert "as that user" in caught.value.try_next
    assert state.stat().st_mode & 0o777 == 0o755


def test_a_state_folder_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UsageError, match="cannot be made"),
        launch.locked(tmp_path / "file" / ".underpass"),
    ):
        pass


def test_a_region_of_an_earlier_version_is_found_and_not_used(tmp_path: Path) -> None:
    state = tmp_path / ".underpass"
    state.mkdir()
    started = running_twins.start_time(os.getpid()) or 0
    record = {"name": "notes", "pid": os.getpid(), "started": started, "region": "us-east-1"}
    then = {**record, "api_port": 4566, "doors": {"analytics": 8080}, "state": str(state)}
    (state / "region.json").write_text(json.dumps(then))
    found = running_twins.find(state)  # `down` goes on with this
    assert found == replace(_record(state, os.getpid(), started), forwards={})
    with pytest.raises(UnderpassError, match="another version") as caught:
        running_twins.select(tmp_path)
    assert f"`underpass down {tmp_path}`, then `underpass up {tmp_path}`" in caught.value.try_next
    assert "are kept" in caught.value.try_next


def test_what_a_later_version_records_besides_does_not_hide_its_region(tmp_path: Path) -> None:
    alive = _record(tmp_path, os.getpid(), running_twins.start_time(os.getpid()) or 0)
    alive.save()
    file = tmp_path / "region.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "more": 1}))
    assert running_twins.find(tmp_path) == alive


def test_a_folder_with_a_twin_means_itself_without_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / ".underpass"
    state.mkdir()
    _record(state, os.getpid(), running_twins.start_time(os.getpid()) or 0).save()
    monkeypatch.chdir(tmp_path)
    assert running_twins.meant(None) == state


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


def test_a_machine_that_forbids_namespaces_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")
    state = tmp_path / ".underpass"
    state.mkdir()
    started: list[int] = []
    with pytest.raises(UnderpassError, match="may not make namespaces"):
        launch.start(
            state, "", "us-east-1", api_port=None, meanwhile=lambda one: started.append(one.pid)
        )
    assert not Path(f"/proc/{started[0]}").exists()
    assert not (state / "region.json").exists()
