"""The line of every key and array item of a TOML file; the standard parser does not keep them.

The text has been accepted by ``tomllib`` before, so nothing is checked here a second time.
"""

from __future__ import annotations

import re
import tomllib

from underpass.config.problems import KeyPath

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+ | \#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\])*" | '[^']*')
    | (?P<mark>[\[\]{}=,.])
    | (?P<bare>[^\s\[\]{}=,.\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)


def lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of each key, by its path: ``("consumers", 0, "cidr")``.

    A table's line is its header's. A table that exists only through its members has the line of the
    first of them.
    """
    return _Scanner(text).scan()


def nearest(found: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of ``path``, or of the innermost table around it; 1 for the file itself."""
    while path and path not in found:
        path = path[:-1]
    return found.get(path, 1)


class _Scanner:
    """Walks the tokens once, from statement to statement."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []  # kind, text, line
        line = 1
        for match in _TOKEN.finditer(text):
            if match.lastgroup != "space":
                self._tokens.append((str(match.lastgroup), match[0], line))
            line += match[0].count("\n")
        self._tokens.append(("newline", "\n", line))
        self._at = 0
        self._found: dict[KeyPath, int] = {}
        self._lengths: dict[KeyPath, int] = {}  # of the arrays of tables

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip_newlines()
        while self._at < len(self._tokens):
            if self._text() == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_newlines()
        return self._found

    def _header(self) -> KeyPath:
        line = self._tokens[self._at][2]
        is_array = self._tokens[self._at + 1][1] == "["
        self._at += 2 if is_array else 1
        keys = self._keys()
        self._at += 2 if is_array else 1
        table: KeyPath = ()
        for key in keys[:-1]:
            table = (*table, key)
            self._found.setdefault(table, line)
            if table in self._lengths:
                table = (*table, self._lengths[table] - 1)
        table = (*table, keys[-1])
        if is_array:
            self._found.setdefault(table, line)
            table = (*table, self._lengths.get(table, 0))
            self._lengths[table[:-1]] = int(table[-1]) + 1
        self._found[table] = line
        return table

    def _pair(self, table: KeyPath) -> None:
        line = self._tokens[self._at][2]
        for key in self._keys():
            table = (*table, key)
            self._found.setdefault(table, line)
        self._at += 1  # the equals sign
        self._value(table)

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._text() == ".":
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        kind, text, _ = self._tokens[self._at]
        self._at += 1
        return str(tomllib.loads(f"key = {text}")["key"]) if kind == "string" else text

    def _value(self, path: KeyPath) -> None:
        opening = self._text()
        if opening not in ("[", "{"):
            while self._text() not in (",", "]", "}", "\n"):
                self._at += 1
            return
        self._at += 1
        self._skip_newlines()
        position = 0
        while self._text() not in ("]", "}"):
            if opening == "[":
                self._found[*path, position] = self._tokens[self._at][2]
                self._value((*path, position))
                position += 1
            else:
                self._pair(path)
            self._skip_newlines()
            if self._text() == ",":
                self._at += 1
                self._skip_newlines()
        self._at += 1

    def _text(self) -> str:
        return self._tokens[self._at][1]

    def _skip_newlines(self) -> None:
        while self._at < len(self._tokens) and self._tokens[self._at][0] == "newline":
            self._at += 1
