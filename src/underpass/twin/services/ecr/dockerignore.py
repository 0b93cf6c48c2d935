"""The patterns of ``.dockerignore``: what a build leaves out.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ignore:
    """The rules in order: the last that matches decides; (pattern, whether it leaves out)."""

    rules: tuple[tuple[re.Pattern[str], bool], ...] = ()

    @classmethod
    def of(cls, folder: Path) -> Ignore:
        """Return the rules of a build folder; none if it has no ``.dockerignore``."""
        try:
            text = (folder / ".dockerignore").read_text()
        except FileNotFoundError:
            return cls()
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Ignore:
        """Return the rules written in ``text``."""
        rules = []
        for line in text.splitlines():
            pattern = line.strip()
            if not pattern or pattern.startswith("#"):
                continue
            left_out = not pattern.startswith("!")
            pattern = pattern.removeprefix("!").strip().strip("/").removeprefix("./")
            if pattern not in {"", "."}:
                rules.append((re.compile(_expression(pattern)), left_out))
        return cls(tuple(rules))

    @property
    def readmits(self) -> bool:
        """Whether something within a folder that is left out may be in after all."""
        return any(not left_out for _, left_out in self.rules)

    def matches(self, path: str) -> bool:
        """Return whether the file or folder at ``path``, relative to the build folder, is left out."""
        verdict = False
        for pattern, left_out in self.rules:
            if pattern.match(path):
                verdict = left_out
        return verdict


def _expression(pattern: str) -> str:
    """Translate a pattern to a regular expression that also matches everything below what it names."""
    parts, place = [], 0
    while place < len(pattern):
        rest = pattern[place:]
        bracket = re.match(r"\[\^?[^\]]+\]", rest)
        if rest.startswith("**/"):
            parts.append("(?:.*/)?")
            place += 3
        elif rest.startswith("**"):
            parts.append(".*")
            place += 2
        elif bracket:
            parts.append(bracket[0])
            place += bracket.end()
        else:
            single = {"*": "[^/]*", "?": "[^/]"}.get(rest[0])
            place += 2 if rest[0] == "\\" and len(rest) > 1 else 1
            parts.append(
                single or re.escape(rest[1] if rest[0] == "\\" and len(rest) > 1 else rest[0])
            )
    return "".join(parts) + "(?:/.*)?$"
