"""Attachments: files in a folder per note, on a file system that all tasks share."""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread

from .notes import Invalid

LARGEST_BYTES = 10 * 1024 * 1024
_NAME = re.compile(r"\w[\w .,()@+=~-]{0,98}[\w)]|\w")  # no path, nothing hidden, nothing to quote
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


class TooLarge(Exception):  # noqa: N818  it becomes a 413
    """A file is larger than an attachment may be."""


@dataclass(frozen=True)
class Attachment:
    """A file of a note."""

    name: str
    size: int
    path: Path

    @property
    def type(self) -> str:
        """Its media type, by its name."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def is_image(self) -> bool:
        """Whether a browser may show it, rather than only save it."""
        return self.type in _IMAGES

    def to_json(self) -> dict[str, Any]:
        """Return the attachment as the API tells it."""
        return {"name": self.name, "size": self.size, "type": self.type}


class Attachments:
    """The files of all notes. Several tasks may work on them at once: a file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def of(self, note_id: int) -> list[Attachment]:
        """Return the attachments of a note, by name."""
        return await anyio.to_thread.run_sync(self._list, note_id)

    async def get(self, note_id: int, name: str) -> Attachment | None:
        """Return an attachment; None when there is none."""
        wanted = checked(name)
        return next((one for one in await self.of(note_id) if one.name == wanted), None)

    async def save(self, note_id: int, name: str, chunks: AsyncIterator[bytes]) -> Attachment:
        """Keep a file, in place of one of that name.

        Raises
        ------
        Invalid
            When it cannot have this name.
        TooLarge
            When there is more of it than is allowed.
        """
        folder = self._root / str(note_id)
        path, part = folder / checked(name), folder / f".{secrets.token_hex(8)}"
        await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
        size = 0
        try:
            async with await anyio.open_file(part, "wb") as file:
                async for chunk in chunks:
                    size = _within_limit(size + len(chunk))
                    await file.write(chunk)
            await anyio.to_thread.run_sync(os.replace, part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return Attachment(path.name, size, path)

    async def remove(self, note_id: int, name: str) -> bool:
        """Delete a file; return whether there was one."""
        found = await self.get(note_id, name)
        if found:
            await anyio.to_thread.run_sync(lambda: found.path.unlink(missing_ok=True))
        return found is not None

    async def remove_all(self, note_id: int) -> None:
        """Delete every file of a note."""
        folder = self._root / str(note_id)
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))

    def _list(self, note_id: int) -> list[Attachment]:
        try:
            with os.scandir(self._root / str(note_id)) as entries:
                found = [
                    Attachment(entry.name, entry.stat().st_size, Path(entry.path))
                    for entry in entries
                    if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
                ]
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda one: one.name.lower())


def _within_limit(size: int) -> int:
    if size > LARGEST_BYTES:
        raise TooLarge
    return size


def checked(name: str) -> str:
    """Return a file's name in one spelling; raise ``Invalid`` for one that no file may have."""
    name = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(name) or len(name.encode()) > 200:
        raise Invalid(
            "a file's name has up to 100 letters, digits, spaces and . , ( ) @ + = ~ _ -,"
            " and starts with a letter or digit"
        )
    return name
