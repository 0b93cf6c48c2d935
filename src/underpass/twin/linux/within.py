"""Running a function in another network namespace, without leaving one's own.

A namespace is a property of a thread, so a thread is made for the call: it enters, does the work and ends.
That takes a tenth of a millisecond, and cannot leave the caller stranded elsewhere when something fails.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def within(namespace: str, work: Callable[[], T]) -> T:
    """Return what ``work`` returns when run in the network namespace at path ``namespace``.

    Raises
    ------
    OSError
        When the namespace cannot be entered; and whatever ``work`` raises.
    """
    return _in_thread(lambda: _enter(namespace, work))


def unshared(work: Callable[[], T]) -> T:
    """Return what ``work`` returns when run in a new network namespace, gone afterwards unless kept."""

    def run() -> T:
        if _libc.unshare(CLONE_NEWNET):
            _raise_errno("unshare the network")
        return work()

    return _in_thread(run)


def _enter(namespace: str, work: Callable[[], T]) -> T:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            _raise_errno(namespace)
    finally:
        os.close(descriptor)
    return work()


def _in_thread(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1, "within") as pool:
        return pool.submit(work).result()


def _raise_errno(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), what)
