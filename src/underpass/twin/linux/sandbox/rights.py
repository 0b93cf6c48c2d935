"""Giving up rights, for good."""

from __future__ import annotations

import ctypes
import resource
import signal

from underpass.twin.linux.sandbox.identity import Identity
from underpass.twin.linux.sandbox.kernel import check, libc

PR_SET_PDEATHSIG, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 23, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4


def drop_rights(who: Identity, kept: int) -> None:
    """Become ``who``, and give up for good every capability that is not in ``kept``, a set of bits.

    Only root keeps any; another user's programs have none, as in a container of Docker's.
    """
    who.enter()
    for capability in range(last_capability() + 1):
        if not kept >> capability & 1:
            check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "bounding capabilities")
    check(
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0),
        "clearing ambient capabilities",
    )
    who.assume()
    held = kept if who.uid == 0 else 0
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    low, high = held & 0xFFFFFFFF, held >> 32
    sets = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)  # effective, permitted, inheritable
    check(libc.capset(header, sets), "dropping capabilities")
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "setting no_new_privs")


def last_capability() -> int:
    """Return the number of the last capability this kernel has."""
    number = 0
    while libc.prctl(PR_CAPBSET_READ, number + 1, 0, 0, 0) >= 0:
        number += 1
    return number


def limits(wanted: list[tuple[str, int, int]]) -> None:
    """Set resource limits; a hard limit above the one there is stays as it is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unlimited = float("inf")
    for name, soft, hard in wanted:
        kind = getattr(resource, "RLIMIT_" + name.upper(), None)
        if kind is not None:
            least = [unlimited if n < 0 else n for n in (soft, hard, resource.getrlimit(kind)[1])]
            pair = (min(least), min(least[1:]))
            resource.setrlimit(kind, tuple(-1 if n == unlimited else int(n) for n in pair))  # type: ignore[arg-type]


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "setting the death signal")
