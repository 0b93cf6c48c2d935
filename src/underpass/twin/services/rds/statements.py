"""Just enough of SQL's spelling to see where a file ends its own transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What ends a statement, and what may hide a semicolon or a word and is skipped whole.
_PIECES = re.compile(
    r"""
    (?P<end> ;
      | (?i:^\s*copy\b [^;]*? \bfrom\s+stdin\b [^;]* ;) .*? ^\\\.\s*$
    )
    | --[^\n]*
    | /\* .*? \*/
    | (?i:\be)' (?: [^'\\] | '' | \\. )* '
    | ' (?: [^'] | '' )* '
    | " (?: [^"] | "" )* "
    | (?P<tag> \$ (?: [A-Za-z_]\w* )? \$ ) .*? (?P=tag)
    | (?i:\bbegin\s+atomic\b .*? \bend\s* (?=;) )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ENDING = re.compile(
    r"(?i:commit|end|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|abort|prepare\s+transaction)\b"
)
_LEADING = re.compile(
    r"(?: \s+ | --[^\n]* | /\* .*? \*/ | \\[^\n]*$ )*", re.VERBOSE | re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Statement:
    """A statement and the line it starts on."""

    line: int
    text: str


def transaction_end(sql: str) -> Statement | None:
    """Return the first statement that ends a transaction while others follow it; None if there is none.

    A file that begins with ``BEGIN`` and ends with ``COMMIT`` is one transaction either way.
    """
    ending: Statement | None = None
    for statement in _statements(sql):
        if ending:
            return ending
        if _ENDING.match(statement.text):
            ending = statement
    return None


def _statements(sql: str) -> list[Statement]:
    """Return the statements of ``sql``, each from its first word."""
    found = []
    start = 0
    for end in [piece.end() for piece in _PIECES.finditer(sql) if piece["end"]] + [len(sql)]:
        begins = _LEADING.match(sql, start, end)
        assert begins is not None  # it matches nothing, too
        text = sql[begins.end() : end].strip()
        if text and text != ";":
            found.append(Statement(sql.count("\n", 0, begins.end()) + 1, text))
        start = end
    return found
