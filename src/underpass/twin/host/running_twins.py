"""Which twins run on this machine, and the file in which each says how to reach it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from underpass.errors import UnderpassError, UsageError

STATE_FOLDER = ".underpass"
PROTOCOL = 2  # what the record and the control socket say; of a region that was started before: 1
_RECORD = "region.json"
MARK = "underpass.twin.main"


@dataclass(frozen=True)
class Running:
    """One running region, seen from the host.

    Attributes
    ----------
    name
        The application's name; empty for a region that was started with nothing deployed.
    pid
        The outermost process of its tree; everything ends with it.
    started
        That process's start time in clock ticks since boot, so that a recycled pid is not taken for it.
    api_port
        The AWS API's port on 127.0.0.1.
    forwards
        The loopback port for each consumer, by name.
    protocol
        The ``PROTOCOL`` of the underpass that started it.
    """

    state: Path
    name: str
    pid: int
    started: int
    region: str
    api_port: int
    forwards: Mapping[str, int] = field(default_factory=dict)
    protocol: int = 1

    @property
    def api_url(self) -> str:
        """Where boto3 and ``aws`` find it."""
        return f"http://127.0.0.1:{self.api_port}"

    def save(self) -> None:
        """Write the record into the state folder."""
        record = asdict(self) | {"state": str(self.state)}
        draft = self.state / (_RECORD + ".new")
        draft.write_text(json.dumps(record, indent=1) + "\n")
        draft.replace(self.state / _RECORD)


def state_folder(folder: Path) -> Path:
    """Return where a project keeps its twin's state."""
    return folder.resolve() / STATE_FOLDER


def find(state: Path) -> Running | None:
    """Return the running region of a state folder, or None; a record left by a killed one is removed."""
    path = state / _RECORD
    try:
        record = {**json.loads(path.read_text()), "state": state}
        running = Running(
            **{one.name: record[one.name] for one in fields(Running) if one.name in record}
        )
    except (OSError, ValueError, TypeError):
        return None
    if start_time(running.pid) != running.started:
        forget(state)
        return None
    return running


def forget(state: Path) -> None:
    """Remove the record and the socket of a region that has ended."""
    for name in (_RECORD, "region.sock"):
        (state / name).unlink(missing_ok=True)


def everywhere() -> list[Running]:
    """Return this user's running regions on this machine, found by their processes."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid != os.getuid():
                continue
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if MARK in words and "--state" in words:
            state = Path(words[words.index("--state") + 1])
            running = find(state)
            if running:
                found[state] = running
    return list(found.values())


def select(folder: Path | None) -> Running:
    """Return the running region meant by ``folder``, or by nothing at all when only one runs.

    Raises
    ------
    UnderpassError
        When none runs there, or several run and none was named.
    """
    from underpass.config.hints import command

    state = meant(folder)
    refuse_strangers(state)
    running = find(state)
    if running is None:
        again = command("up", folder or Path())
        raise UnderpassError("no twin runs here", f"{state.parent} has none", f"run {again}")
    refuse_another_version(running)
    return running


def refuse_strangers(state: Path) -> None:
    """Refuse a state folder that belongs to another user.

    Raises
    ------
    UsageError
        With whose it is.
    """
    if state.exists() and (owner := state.stat().st_uid) != os.geteuid():
        raise UsageError(
            f"{state} belongs to another user",
            f"it is user {owner}'s, with that user's data, and this is user {os.geteuid()}",
            "run underpass as that user, or in a folder of your own",
        )


def refuse_another_version(running: Running) -> None:
    """Refuse a region that another underpass started, whose answers may mean something else.

    Raises
    ------
    UnderpassError
        With how to bring its data along.
    """
    if running.protocol != PROTOCOL:
        raise UnderpassError(
            "this twin was started by another version of underpass",
            f"it runs in {running.state.parent}",
            f"run {restart(running)}",
        )


def restart(running: Running) -> str:
    """Return the commands that start a region anew, and that they keep the data."""
    from underpass.config.hints import command

    folder, empty = running.state.parent, () if running.name else ("--empty",)
    down, up = command("down", folder), command("up", folder, *empty)
    return f"{down}, then {up}: its databases and files are kept"


def meant(folder: Path | None) -> Path:
    """Return the state folder meant by ``folder``, by the present folder, or by the only running twin."""
    from underpass.config import FILE_NAME

    if folder is not None or Path(FILE_NAME).exists() or find(state_folder(Path())):
        return state_folder(folder or Path())
    regions = everywhere()
    if len(regions) == 1:
        return regions[0].state
    if not regions:
        raise UnderpassError(
            "no twin runs", "none was found on this machine", "run `underpass up FOLDER`"
        )
    raise UnderpassError(
        "several twins run",
        ", ".join(str(region.state.parent) for region in regions),
        "name the folder of the one you mean",
    )


def start_time(pid: int) -> int | None:
    """Return a process's start time in clock ticks since boot, or None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
