"""What botocore does whenever a client is made or asked something, done faster and no differently.

AWS's descriptions of its APIs are read once, as plain dictionaries and by a parser in Rust; the services they
are of are not looked for in each folder; and an event whose name has no other is not searched for one.
"""

from __future__ import annotations

import functools
import gzip
import os
from pathlib import Path
from typing import Any

from pydantic_core import from_json


@functools.cache
def improve() -> None:
    """Replace the slow parts; to be called before a session is made."""
    from botocore.hooks import EVENT_ALIASES, EventAliaser
    from botocore.loaders import JSONFileLoader, Loader

    JSONFileLoader.load_file = _read
    Loader.list_available_services = _services
    parts = frozenset(old.partition(".")[0] for old in EVENT_ALIASES)
    rename = EventAliaser._alias_event_name  # noqa: SLF001

    def name(self: Any, event_name: str) -> str:
        kept = parts.isdisjoint(event_name.split("."))
        return event_name if kept else rename(self, event_name)

    EventAliaser._alias_event_name = name  # noqa: SLF001


@functools.cache
def _services(loader: Any, type_name: str) -> list[str]:  # noqa: ARG001
    """Return every folder's name; whether it has the description asked for shows when that is read."""
    folders = (Path(one) for one in loader.search_paths)
    inner = (found for one in folders if one.is_dir() for found in os.scandir(one))
    return sorted({found.name for found in inner if found.is_dir()})


def _read(_: Any, path: str) -> dict[str, Any] | None:
    """Return a description, of which the caller may change the outermost level and the operations' addresses.

    botocore takes the bucket out of S3's, which is not to be seen where requests are read.
    """
    read = _read_once(path)
    if read is None or "operations" not in read:
        return None if read is None else dict(read)
    operations = {
        name: {**one, "http": dict(one["http"])} if "http" in one else one
        for name, one in read["operations"].items()
    }
    return {**read, "operations": operations}


@functools.cache
def _read_once(path: str) -> dict[str, Any] | None:
    packed, plain = Path(f"{path}.json.gz"), Path(f"{path}.json")
    if packed.is_file():
        read: dict[str, Any] = from_json(gzip.decompress(packed.read_bytes()))
        return read
    return from_json(plain.read_bytes()) if plain.is_file() else None
