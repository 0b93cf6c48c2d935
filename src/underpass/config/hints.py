"""What to write and what to run next, as it can be pasted into the file or into a shell."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

FILE_NAME = "underpass.toml"


def command(name: str, folder: Path, *options: str) -> str:
    """Return a command line for a folder, or for a file of another name; what a shell splits is quoted.

    Example
    -------
    >>> command("check", Path("my shop"))
    "`underpass check 'my shop'`"
    """
    where = [] if folder == Path() else [str(folder)]
    return f"`{shlex.join(['underpass', name, *where, *options])}`"


def folder_of(file: Path) -> Path:
    """Return what to name to a command so that it reads ``file``."""
    return file.parent if file.name == FILE_NAME else file


def quoted(value: Any) -> str:
    """Return a value as TOML and JSON write it: text in quotes, on one line whatever is in it."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    # JSON lets these stand; TOML does not, or they end a line of what is printed.
    return re.sub("[\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)
