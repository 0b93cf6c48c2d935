"""Other packages' plug-ins for pydantic, which have no part in reading a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "PYDANTIC_DISABLE_PLUGINS"


@contextmanager
def without_plugins() -> Iterator[None]:
    """Make models without plug-ins; a search through all that is installed would take 10 ms."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "__all__"
    try:
        yield
    finally:
        del os.environ[_VARIABLE]
        os.environ.update({} if before is None else {_VARIABLE: before})
