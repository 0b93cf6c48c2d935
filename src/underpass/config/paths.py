"""The files and folders a configuration names: whether they can be read. Reads the file system."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path

from underpass.config.hints import quoted
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath


def check(config: Config) -> Iterator[Fault]:
    """Yield each file or folder that is not there, with the nearest that is, or that cannot be read."""
    service, database, assets = config.service, config.database, config.assets
    named: tuple[tuple[KeyPath, str | None, str, Callable[[Path], bool]], ...] = (
        (("service", "build"), service.build, "folder", Path.is_dir),
        (("database", "seed"), database.seed if database else None, "file", Path.is_file),
        (("assets", "source"), assets.source if assets else None, "folder", Path.is_dir),
    )
    for key, value, kind, is_kind in named:
        if value is not None:
            try:
                yield from _wrong(key, value, config.folder / value, kind, is_kind)
            except (OSError, ValueError) as error:  # a folder on the way is closed, a NUL is within
                reason = error.strerror if isinstance(error, OSError) else error
                yield Fault((key,), f"cannot be read: {reason}")


def _wrong(
    key: KeyPath, value: str, path: Path, kind: str, is_kind: Callable[[Path], bool]
) -> Iterator[Fault]:
    if not path.exists():
        yield Fault((key,), f"there is no {kind} {quoted(value)}", _nearest(path, is_kind))
    elif not is_kind(path):
        what = "a folder" if path.is_dir() else "a file"
        yield Fault((key,), f"{quoted(value)} is {what}, not a {kind}", _instead(value, kind))
    elif not os.access(path, os.R_OK | (os.X_OK if kind == "folder" else 0)):
        yield Fault((key,), f"the {kind} {quoted(value)} may not be read", "change its mode")


def _instead(value: str, kind: str) -> str:
    return f"write {quoted(str(Path(value).parent))}" if kind == "folder" else "name a file in it"


def _nearest(path: Path, is_kind: Callable[[Path], bool]) -> str:
    if not path.parent.is_dir():
        return ""
    names = [entry.name for entry in path.parent.iterdir() if is_kind(entry)]
    near = get_close_matches(path.name, names, n=1)
    return f"did you mean {quoted(near[0])}?" if near else ""
