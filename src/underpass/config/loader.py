"""``underpass.toml`` from disk to a ``Config``, or everything that is wrong with it in one error."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from underpass.config import addon_files, positions, rules
from underpass.config.hints import FILE_NAME, command, quoted
from underpass.config.model import Config
from underpass.config.problems import (
    ConfigError,
    Fault,
    KeyPath,
    Problem,
    UnreadableConfigError,
    dotted,
)
from underpass.config.validate import Complete, nothing_more, validate

_LONGEST_NUMBER = 4300  # digits; Python turns no longer text into a number
_TOO_DEEP = "is nested too deeply"


def load(where: Path) -> Config:
    """Read the configuration of a folder, or of the file named.

    Parameters
    ----------
    where
        A folder with an ``underpass.toml``, or such a file under any name.

    Raises
    ------
    ConfigError
        With every problem of the file, each with its line, when it cannot be used.

    Example
    -------
    >>> load(Path("examples/notes")).name
    'notes'
    """
    file = _file(where)
    text = _read(file, where)
    config, problems = parse(
        text,
        file,
        lambda config: (*rules.check(config), *_unreadable_paths(config)),
        addon_files.read,
    )
    if problems or config is None:
        raise ConfigError(str(file), problems)
    return config


def parse(
    text: str,
    file: Path,
    check: Callable[[Config], Iterable[Fault]] = rules.check,
    complete: Complete = nothing_more,
) -> tuple[Config | None, tuple[Problem, ...]]:
    """Return the configuration if there is one, and the problems in the order of their lines.

    Parameters
    ----------
    text
        The file's text.
    file
        Where it stands, for the problems and for the paths in it; it is not read.
    check
        The rules: what to look for beyond single keys.
    complete
        Reads what the file names and the rules ask about.
    """
    try:
        data = tomllib.loads(text)
        lines = positions.lines(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:  # ValueError: also a number too long for an int
        return None, (_syntax(error, text, file),)
    try:
        config, faults = validate(data, file.parent, check, complete)
    except RecursionError:  # tables within tables, which the parser reads one after the other
        return None, (Problem(str(file), lines[max(lines, key=len)], "", _TOO_DEEP),)
    ordered = _located(faults, lines, file)
    return (None if ordered else config), ordered


def advice(config: Config, where: Path) -> tuple[Problem, ...]:
    """Return what to warn of in a file that was loaded from ``where``, each with its line."""
    file = _file(where)
    lines = positions.lines(_read(file, where).replace("\r\n", "\n"))
    return _located(rules.advise(config), lines, file)


def _located(faults: Iterable[Fault], lines: dict[KeyPath, int], file: Path) -> tuple[Problem, ...]:
    problems = {
        Problem(
            str(file),
            positions.nearest(lines, fault.keys[0]),
            dotted(fault.keys[0]),
            fault.message,
            fault.suggestion,
            fault.source,
        )
        for fault in faults
    }
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.key, problem.message)))


def _file(where: Path) -> Path:
    try:
        return where / FILE_NAME if where.is_dir() else where
    except OSError:  # a folder on the way is closed, the name is too long: told when it is read
        return where


def _read(file: Path, where: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise _missing(file, where) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = Problem(str(file), line, "", "is not UTF-8", "save the file as UTF-8")
        raise ConfigError(str(file), (problem,)) from error
    except OSError as error:
        reason = str(error.strerror)
        raise UnreadableConfigError(
            f"{file} cannot be read",
            Problem(str(file), 1, "", f"cannot be read: {reason}"),
            reason,
            f"change its mode, or name another folder with an {FILE_NAME}",
        ) from error


def _missing(file: Path, where: Path) -> UnreadableConfigError:
    # Nothing is offered to be written where there is no folder, or under a name of the user's own.
    offered = file.name == FILE_NAME and file.parent.is_dir()
    named = file if offered else where
    return UnreadableConfigError(
        f"there is no {named}",
        Problem(str(named), 1, "", "does not exist"),
        "underpass reads what to run from it" if offered else "",
        f"run {command('init', file.parent)} to write one"
        if offered
        else f"name a folder with an {FILE_NAME}",
    )


def _syntax(error: Exception, text: str, file: Path) -> Problem:
    """Return a syntax error with its line, which Python 3.11 gives only in the message."""
    if isinstance(error, RecursionError):
        return Problem(str(file), 1, "", _TOO_DEEP)
    number = re.search(f"[0-9][0-9_]{{{_LONGEST_NUMBER},}}", text)
    if number and not isinstance(error, tomllib.TOMLDecodeError):
        line = text.count("\n", 0, number.start()) + 1
        return Problem(str(file), line, "", "has a number of too many digits")
    message = str(error)
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(at[1]) if at and at[1] else text.rstrip("\n").count("\n") + 1 if at else 1
    what = message[: at.start()] if at else message
    if twice := re.fullmatch(r"Cannot declare (\(.*\)) twice", what):
        header = f"[{dotted(ast.literal_eval(twice[1]))}]"
        return Problem(str(file), line, "", f"{header} is there twice", "make one of the two")
    column = f" at column {at[2]}" if at and at[2] else " at the end of the file" if at else ""
    return Problem(str(file), line, "", f"is not TOML{column}: {what[:1].lower()}{what[1:]}")


def _unreadable_paths(config: Config) -> Iterator[Fault]:
    """Yield each file or folder that is not there, with the nearest that is, or that cannot be read."""
    service, database, assets = config.service, config.database, config.assets
    named: tuple[tuple[KeyPath, str | None, str, Callable[[Path], bool]], ...] = (
        (("service", "build"), service.build, "folder", Path.is_dir),
        *(
            (("service", "sidecars", number, "build"), one.build, "folder", Path.is_dir)
            for number, one in enumerate(service.sidecars)
        ),
        (("database", "seed"), database.seed if database else None, "file", Path.is_file),
        (("assets", "source"), assets.source if assets else None, "folder", Path.is_dir),
        *(
            (("addons", number, "template"), addon.template, "file", Path.is_file)
            for number, addon in enumerate(config.addons)
        ),
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
