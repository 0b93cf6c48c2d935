"""From one major version of PostgreSQL to a later one: whether RDS would, and pg_upgrade, which does it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.services.rds import cluster
from underpass.twin.services.rds.versions import Binaries
from underpass.twin.services.rds.versions import refusal as unknown

_WITH_CHECKSUMS = 18  # by default, from this one on
_TIMEOUT_S = 240


def refusal(runs: str, wanted: str, *, allowed: bool, family: str | None) -> str | None:
    """Return why an instance that ``runs`` a version does not get another; None when it does.

    Parameters
    ----------
    allowed
        What ``AllowMajorVersionUpgrade`` says.
    family
        That of the parameter group it will have; None of a default one.
    """
    before, after = (int(one.split(".")[0]) for one in (runs, wanted))
    if before == after:
        return None
    if why := unknown("postgres", wanted):
        return why
    if after < before:
        return f"Cannot upgrade postgres from {runs} to {wanted}"
    if not allowed:
        return "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
    if family and family != f"postgres{after}":
        return (
            f"The parameter group with DBParameterGroupFamily {family} can't be used for this instance. "
            f"Please use a Parameter Group with DBParameterGroupFamily postgres{after}."
        )
    return None


def upgrade(old: Path, before: Binaries, new: Path, after: Binaries, sockets: Path) -> None:
    """Make the data folder ``new`` of what is in ``old``, which stays as it is.

    Parameters
    ----------
    sockets
        The server's folder for its socket, which only the region may enter.

    Raises
    ------
    UnderpassError
        With what pg_upgrade says.
    """
    plain = before.major < _WITH_CHECKSUMS <= after.major  # or the two would differ in it
    cluster.make_for(new, after, *(["--no-data-checksums"] if plain else []))
    work = new.with_name("upgrade")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    heard = f"-c hba_file={sockets / 'pg_hba.conf'}"  # without it neither server lets anybody in
    try:
        done = subprocess.run(
            [
                *(*cluster.AS_ORDINARY_USER, after.program("pg_upgrade")),
                *("--old-bindir", str(before.folder), "--new-bindir", str(after.folder)),
                *("--old-datadir", str(old), "--new-datadir", str(new)),
                *("--old-options", heard, "--new-options", heard),
                *("--username", cluster.SUPERUSER, "--socketdir", str(sockets)),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=work,
            timeout=_TIMEOUT_S,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )
    except subprocess.TimeoutExpired as error:
        raise UnderpassError(
            "the database is not upgraded", f"pg_upgrade was not done within {_TIMEOUT_S} s"
        ) from error
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        said = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise UnderpassError(
            "the database is not upgraded", "\n".join(said), "its data are as before"
        )
    shutil.rmtree(work, ignore_errors=True)
