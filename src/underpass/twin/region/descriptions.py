"""AWS's own descriptions of its APIs, which botocore reads from its files whenever a client is made."""

from __future__ import annotations

import functools
import gzip
from pathlib import Path
from typing import Any

from pydantic_core import from_json


def read_fast() -> None:
    """Have botocore read each once, as plain dictionaries and by a parser in Rust: in a third of the time."""
    from botocore.loaders import JSONFileLoader

    JSONFileLoader.load_file = _read


def _read(_: Any, path: str) -> dict[str, Any] | None:
    """Return a description, of which the caller may change the outermost level."""
    read = _read_once(path)
    return None if read is None else dict(read)


@functools.cache
def _read_once(path: str) -> dict[str, Any] | None:
    packed, plain = Path(f"{path}.json.gz"), Path(f"{path}.json")
    if packed.is_file():
        read: dict[str, Any] = from_json(gzip.decompress(packed.read_bytes()))
        return read
    return from_json(plain.read_bytes()) if plain.is_file() else None
