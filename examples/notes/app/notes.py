"""The notes: what one is, and how they are kept in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .database import Database

TITLE_LENGTH = 200
BODY_LENGTH = 100_000
_MOST = 200
_FIND = """
SELECT id, title, body, created_at, updated_at FROM notes
WHERE title || E'\\n' || body ILIKE ALL (%s::text[])
ORDER BY updated_at DESC, id DESC LIMIT %s"""
_GET = "SELECT id, title, body, created_at, updated_at FROM notes WHERE id = %s"
_ADD = """
INSERT INTO notes (title, body) VALUES (%s, %s)
RETURNING id, title, body, created_at, updated_at"""
_CHANGE = """
UPDATE notes SET title = %s, body = %s, updated_at = now() WHERE id = %s
RETURNING id, title, body, created_at, updated_at"""
_REMOVE = "DELETE FROM notes WHERE id = %s RETURNING id"


class Invalid(Exception):  # noqa: N818  it becomes a 400
    """What was sent cannot be a note; the message says why."""


@dataclass(frozen=True)
class Draft:
    """A note as somebody writes it."""

    title: str
    body: str

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> Draft:
        """Return what was sent as a draft, or raise ``Invalid``."""
        title, body = sent.get("title", ""), sent.get("body", "")
        if not isinstance(title, str) or not isinstance(body, str):
            raise Invalid("title and body must be text")
        title, body = title.strip(), body.replace("\r\n", "\n").strip()
        if not title:
            raise Invalid("a note needs a title")
        if len(title) > TITLE_LENGTH or len(body) > BODY_LENGTH:
            raise Invalid(
                f"a title has up to {TITLE_LENGTH} characters, a body up to {BODY_LENGTH}"
            )
        if "\0" in title + body:
            raise Invalid("a note is text, without NUL characters")
        return cls(title, body)


@dataclass(frozen=True)
class Note:
    """A note as it is kept."""

    id: int
    title: str
    body: str
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the note as the API tells it."""
        return {
            "id": self.id,
            "title": self.title,
            "body": self.body,
            "created_at": self.created_at.isoformat(timespec="seconds"),
            "updated_at": self.updated_at.isoformat(timespec="seconds"),
        }


class Notes:
    """All notes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, words: str = "") -> list[Note]:
        """Return the notes that hold all ``words``, the last changed first."""
        patterns = [f"%{_literal(word)}%" for word in words.split()]
        rows = await self._database.read(_FIND, patterns, _MOST)
        return [Note(**row) for row in rows]

    async def get(self, note_id: int) -> Note | None:
        """Return a note; None when there is none."""
        rows = await self._database.read(_GET, note_id)
        return Note(**rows[0]) if rows else None

    async def add(self, draft: Draft) -> Note:
        """Keep a new note."""
        rows = await self._database.write(_ADD, draft.title, draft.body)
        return Note(**rows[0])

    async def change(self, note_id: int, draft: Draft) -> Note | None:
        """Change a note; None when there is none."""
        rows = await self._database.write(_CHANGE, draft.title, draft.body, note_id)
        return Note(**rows[0]) if rows else None

    async def remove(self, note_id: int) -> bool:
        """Delete a note; return whether there was one."""
        return bool(await self._database.write(_REMOVE, note_id))

    async def check(self) -> None:
        """Return when notes can be read and changed; raise ``Unavailable`` or a database error."""
        await self._database.read("SELECT 1 FROM notes LIMIT 1")


def _literal(word: str) -> str:
    """Return a word as a pattern that matches only itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\0", "")
