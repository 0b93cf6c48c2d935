"""Entering a running region from the host: the command that runs something at a place in it.

No daemon carries the bytes: ``nsenter`` joins the namespaces, so the terminal, the signals and the exit
status are the command's own. An ordinary user may join what that user started.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.host.running_twins import Running
from underpass.twin.region import control_socket

_IN_FOLDER = 'cd "$1" 2>/dev/null; shift; exec "$@"'


def command(running: Running, place: str, argv: Sequence[str], folder: Path) -> list[str]:
    """Return the host's command line that runs ``argv`` at ``place``, starting in ``folder`` if it is there.

    Raises
    ------
    UnderpassError
        When there is no such place; the answer names those there are.
    """
    enter = control_socket.call(running.state, "place", place=place)
    user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    join = [
        "nsenter",
        f"--target={_first_process(running)}",
        *user,
        "--mount",
        "--pid",
        "--net",
        "--",
    ]
    return [*join, *enter, "sh", "-c", _IN_FOLDER, "sh", str(folder), *argv]


def _first_process(running: Running) -> int:
    """Return the host's pid of the region's pid 1, the only child of its outermost process."""
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    if not children:
        raise UnderpassError("the twin is ending", f"pid {running.pid}", "run `underpass up`")
    return int(children[0])
