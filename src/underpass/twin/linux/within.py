"""Running a function in another network namespace, and coming back.

A namespace is a property of a thread, so only the calling one goes: the others stay where they are. Going and
coming back are a system call each. A thread of its own for every call, which could not be left elsewhere,
takes seven times as long, and health checks make a socket each.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from io import FileIO
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
HERE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def within(namespace: str, work: Callable[[], T]) -> T:
    """Return what ``work`` returns when run in the network namespace at path ``namespace``.

    Raises
    ------
    OSError
        When the namespace cannot be entered; and whatever ``work`` raises.
    """
    with FileIO(namespace) as there:
        return _and_back(lambda: _libc.setns(there.fileno(), CLONE_NEWNET), work, namespace)


def unshared(work: Callable[[], T]) -> T:
    """Return what ``work`` returns when run in a new network namespace, gone afterwards unless kept."""
    return _and_back(lambda: _libc.unshare(CLONE_NEWNET), work, "unshare the network")


def _and_back(leave: Callable[[], int], work: Callable[[], T], what: str) -> T:
    with FileIO(HERE) as here:
        if leave():
            _raise_errno(what)
        try:
            return work()
        finally:
            if _libc.setns(here.fileno(), CLONE_NEWNET):
                _raise_errno(HERE)


def _raise_errno(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), what)
