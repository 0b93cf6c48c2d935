"""Named network namespaces: a bind mount each under /run/netns, as ``ip netns`` keeps them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from underpass.twin.linux.within import unshared

T = TypeVar("T")

FOLDER = Path("/run/netns")
_MS_BIND, _MNT_DETACH = 4096, 2

_libc = ctypes.CDLL(None, use_errno=True)

_SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/default/accept_redirects": "0",
    "ipv6/conf/all/disable_ipv6": "1",  # the firewalls are of the ip family: nothing else may pass
    "ipv6/conf/default/disable_ipv6": "1",
}


def path(name: str) -> str:
    """Return where the namespace is, or would be."""
    return str(FOLDER / name)


def create(name: str, work: Callable[[], T], *, reverse_path_filter: bool = False) -> T:
    """Make the namespace, run ``work`` in it and return its answer; nothing is left when that fails.

    With ``reverse_path_filter`` its devices take in only packets whose source they would route back.

    Raises
    ------
    OSError
        When the kernel refuses; and whatever ``work`` raises.
    """

    def populate() -> T:
        _settings(reverse_path_filter=reverse_path_filter)
        answer = work()
        _pin(name)
        return answer

    return unshared(populate)


def delete(name: str) -> None:
    """Forget the namespace; it ends with its last process. One that is not there is no error."""
    where = path(name)
    _libc.umount2(where.encode(), _MNT_DETACH)
    Path(where).unlink(missing_ok=True)


def _settings(*, reverse_path_filter: bool) -> None:
    strict = str(int(reverse_path_filter))
    values = {**_SETTINGS, "ipv4/conf/all/rp_filter": strict, "ipv4/conf/default/rp_filter": strict}
    for name, value in values.items():
        setting = Path("/proc/sys/net", name)
        if setting.exists():  # there is no ipv6 folder where the kernel has none
            setting.write_text(value)


def _pin(name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    where = path(name)
    Path(where).touch()
    if _libc.mount(b"/proc/thread-self/ns/net", where.encode(), b"none", _MS_BIND, None):
        number = ctypes.get_errno()
        Path(where).unlink()
        raise OSError(number, os.strerror(number), where)
