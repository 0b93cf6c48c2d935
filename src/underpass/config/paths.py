"""The files and folders a configuration names: whether they can be read. Reads the file system."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path

from underpass.config.model import Config
from underpass.config.positions import KeyPath
from underpass.config.problems import Fault


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
            path = config.folder / value
            try:
                if not is_kind(path):
                    yield Fault((key,), f'there is no {kind} "{value}"', _nearest(path, is_kind))
                elif not os.access(path, os.R_OK | (os.X_OK if kind == "folder" else 0)):
                    yield Fault((key,), f'the {kind} "{value}" may not be read', "change its mode")
            except (OSError, ValueError) as error:  # a folder on the way is closed, a NUL is within
                reason = error.strerror if isinstance(error, OSError) else error
                yield Fault((key,), f"cannot be read: {reason}")


def _nearest(path: Path, is_kind: Callable[[Path], bool]) -> str:
    if not path.parent.is_dir():
        return ""
    names = [entry.name for entry in path.parent.iterdir() if is_kind(entry)]
    near = get_close_matches(path.name, names, n=1)
    return f'did you mean "{near[0]}"?' if near else ""
