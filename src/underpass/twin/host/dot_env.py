"""``.env`` beside underpass.toml: values of secrets for the twin, which has none of the user's own.

A line is ``NAME=value``, with ``export`` before it or not, the value in quotes or not. The file is read by
the twin's host alone: no image holds it (``bundles.NEVER``), and AWS never sees it.
"""

from __future__ import annotations

import re
from pathlib import Path

from underpass.errors import UsageError

NAME = ".env"
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def read(folder: Path) -> dict[str, str]:
    """Return the values by their variables' names; none where there is no file.

    Raises
    ------
    UsageError
        With the line that is none, or when the file cannot be read.
    """
    file = folder / NAME
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except IsADirectoryError:  # some keep a virtual environment there
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read", str(error), "make it readable, as UTF-8, or take it away"
        ) from error
    values: dict[str, str] = {}
    for number, text in enumerate(lines, start=1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        value = _value(found[2]) if found else None
        if found is None or value is None:  # what stands there may be secret: only where is told
            raise UsageError(
                f"{file}:{number} is no line of values",
                "a line is NAME=value; a value that starts with a quote ends with one",
                "change the line, or put # before it",
            )
        values[found[1]] = value
    return values


def _value(text: str) -> str | None:
    """Return the value without quotes and comment; None when a quote does not end."""
    quote = text[:1]
    if quote == "'":
        inner, end, rest = text[1:].partition("'")
        return inner if end and _is_comment(rest) else None
    if quote == '"':
        found = re.match(r'"((?:[^"\\]|\\.)*)"', text)
        if not found or not _is_comment(text[found.end() :]):
            return None
        return re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[1]), found[1])
    return re.split(r"\s#", text, maxsplit=1)[0].strip()


def _is_comment(rest: str) -> bool:
    return not rest.strip() or rest.strip().startswith("#")
