"""AWS's own descriptions of its APIs, which botocore reads from its files whenever a client is made."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any


def read_fast() -> None:
    """Have botocore read each of them once, and as plain dictionaries: in half the time."""
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
        read: dict[str, Any] = json.loads(gzip.decompress(packed.read_bytes()))
        return read
    return json.loads(plain.read_bytes()) if plain.is_file() else None
