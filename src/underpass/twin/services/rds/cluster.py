"""PostgreSQL's own data folder, as initdb makes it; the first one ahead of the database that it is for.

initdb takes a second or two, and a region that starts leaves a core idle for as long: where a database will
be asked for, its folder is made meanwhile and waits in ``<state>/databases/<blank>``.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.services.rds.versions import Binaries, find

SUPERUSER = "rdsadmin"  # RDS's own, out of the user's reach there as here
AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""PostgreSQL refuses uid 0, which is what a region's processes have; the files stay the starter's own."""

_making = threading.Lock()  # held while a blank one is being made


def make_ahead(databases: Path, version: str) -> None:
    """Make one for the first database, unless there are data or the version is none of the twin's.

    What an earlier region made and nobody took goes.
    """
    with _making:
        binaries = find(version)
        wanted = binaries and not any(databases.glob("*/data")) and _blank(databases, binaries)
        for left in {*databases.glob("blank-*")} - {wanted}:
            shutil.rmtree(left, ignore_errors=True)
        if binaries and wanted and not wanted.exists():
            databases.mkdir(exist_ok=True)
            _initdb(wanted, binaries)


def make(data: Path, binaries: Binaries) -> None:
    """Make the folder ``data``, which is there when it is complete, or not at all.

    Raises
    ------
    UnderpassError
        When it cannot be made.
    """
    with _making:
        blank = _blank(data.parent.parent, binaries)
        if blank.exists():
            blank.rename(data)
            return
    _initdb(data, binaries)


def _blank(databases: Path, binaries: Binaries) -> Path:
    return databases / f"blank-{binaries.version}"


def make_for(data: Path, binaries: Binaries, *more: str) -> None:
    """Make the folder ``data`` with further options of initdb."""
    with _making:
        _initdb(data, binaries, *more)


def _initdb(data: Path, binaries: Binaries, *more: str) -> None:
    unfinished = data.with_name(f"{data.name}.new")  # renamed, so a killed initdb leaves nothing
    shutil.rmtree(unfinished, ignore_errors=True)
    made = subprocess.run(
        [
            *(*AS_ORDINARY_USER, binaries.program("initdb"), f"--pgdata={unfinished}"),
            *(f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C.UTF-8"),
            *("--auth=reject", "--no-instructions", *more),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise UnderpassError("the database's files cannot be made", made.stderr.strip()[-500:])
    unfinished.rename(data)
