"""The folder that holds one database's files: made once, kept when the region ends, held by one region.

``<state>/databases/<name>/data`` is PostgreSQL's own data folder. It outlives the instance as well: a
deleted instance, a failed deployment and ``underpass down`` leave it where it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.services.rds import cluster, upgrades
from underpass.twin.services.rds.versions import Binaries, find


class DataFolder:
    """One database's folder, held until ``release`` or the end of this process.

    Raises
    ------
    UnderpassError
        When another region holds it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "postgresql.log"
        self._held = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._held)
            raise UnderpassError(
                "the database's folder is in use",
                f"another region holds {self.folder}",
                "stop it with `underpass down`",
            ) from None

    def ensure(self, binaries: Binaries) -> None:
        """Make the data folder unless it is there.

        Raises
        ------
        UnderpassError
            When the data belong to another major version, or cannot be made.
        """
        if self.data.exists():
            major = (self.data / "PG_VERSION").read_text().strip()
            if major != str(binaries.major):
                raise UnderpassError(
                    f"the data are PostgreSQL {major}'s and {binaries.version} was asked for",
                    f"{self.data} was made by an earlier run",
                    f'set version = "{major}" in [database], run the command again, and have it upgraded '
                    "then, by allow_major_upgrade = true; or remove that folder and its data",
                )
            return
        cluster.make(self.data, binaries)

    def upgrade(self, binaries: Binaries, sockets: Path) -> None:
        """Bring the data to a later major version, unless they have it; those of before are kept beside.

        Raises
        ------
        UnderpassError
            With what pg_upgrade says; the data are as they were.
        """
        before = find((self.data / "PG_VERSION").read_text().strip())
        if before is None or before.major >= binaries.major:
            return
        new = self.folder / "data.upgraded"
        shutil.rmtree(new, ignore_errors=True)
        upgrades.upgrade(self.data, before, new, binaries, sockets)
        kept = self.folder / f"data.{before.major}-{time.strftime('%Y%m%d-%H%M%S')}"
        self.data.rename(kept)
        new.rename(self.data)

    def set_aside(self, name: str) -> None:
        """Move the folder out of the way, for a replacement that lives in the sibling folder ``name``.

        The folder's own name then leads to the replacement, so that the next ``up`` finds its data.
        """
        kept = self.folder.with_name(
            f"{self.folder.name}.replaced-{time.strftime('%Y%m%d-%H%M%S')}"
        )
        self.folder.rename(kept)
        self.folder.symlink_to(name)

    def release(self) -> None:
        """Let another region hold the folder."""
        os.close(self._held)
