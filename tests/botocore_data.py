"""botocore's data of services and endpoints, read once in a process: each session would read them anew."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader, Loader


class _ReadOnce(JSONFileLoader):  # type: ignore[misc]
    def load_file(self, file_path: str) -> Any:
        return _read(file_path)


@cache
def _read(file_path: str) -> Any:
    return JSONFileLoader().load_file(file_path)


def read_once() -> None:
    """Have all sessions of this process, which read the data and change nothing, share them."""
    Loader.FILE_LOADER_CLASS = _ReadOnce
