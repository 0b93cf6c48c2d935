"""What is wrong with a configuration file, as values and as one error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from underpass.config.hints import command, folder_of, quoted
from underpass.errors import UsageError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a key or an item stands: ``("consumers", 0, "cidr")``."""

_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True)
class Fault:
    """Something wrong with one key or with several together, wherever they stand.

    Attributes
    ----------
    keys
        The keys that were read to find it; the first is the one to change.
    message
        What is wrong.
    suggestion
        What to write instead; empty when there is nothing better to say.
    meant
        For an unknown key, the key it seems to be.
    source
        Where AWS says so; empty for what needs no authority.
    """

    keys: tuple[KeyPath, ...]
    message: str
    suggestion: str = ""
    meant: KeyPath = ()
    source: str = ""


@dataclass(frozen=True)
class Problem:
    """A fault as the user sees it.

    Attributes
    ----------
    file
        The file, as the user named it.
    line
        The line, from 1.
    key
        The key's dotted path, such as ``consumers[0].cidr``; empty for the file itself.
    message
        What is wrong with it.
    suggestion
        What to write instead; empty when there is nothing better to say.
    source
        The address of the document it follows from; empty if none.
    """

    file: str
    line: int
    key: str
    message: str
    suggestion: str = ""
    source: str = ""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        suggestion = f"; {self.suggestion}" if self.suggestion else ""
        source = f" ({self.source})" if self.source else ""
        return f"{self.file}:{self.line}: {key}{self.message}{suggestion}{source}"


class ConfigError(UsageError):
    """The configuration cannot be used; ``problems`` holds everything wrong with it, in order."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"{file} has {count}",
            "\n".join(str(problem) for problem in problems),
            f"change the file, then run {command('check', folder_of(Path(file)))}",
        )
        self.problems = problems


class UnreadableConfigError(ConfigError):
    """There is no configuration file where one was looked for, or it cannot be read.

    Parameters
    ----------
    what
        What happened, about the file as a whole.
    problem
        The same as a problem of the file, for programs.
    """

    def __init__(self, what: str, problem: Problem, why: str, try_next: str) -> None:
        super().__init__(problem.file, (problem,))
        self.what = what
        self.why = why
        self.try_next = try_next


def dotted(path: KeyPath) -> str:
    """Return a path as people write it: ``consumers[0].cidr``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.match(part) else quoted(part))
    return text
