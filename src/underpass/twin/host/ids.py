"""Whom a task can be on the twin: where an ordinary user started it, it has that user's id and no other."""

from __future__ import annotations

from underpass.config.model import Service
from underpass.errors import UsageError

_OF_OTHERS = {"CHOWN", "SETGID", "SETUID"}  # good for nothing where there is nobody else


def check(service: Service, uid: int) -> None:
    """Refuse capabilities that a task could do nothing with.

    Parameters
    ----------
    uid
        Whose the twin is.

    Raises
    ------
    UsageError
        When they are for becoming, or giving files to, others, and there are none.
    """
    kept = [name for name in service.capabilities if name in _OF_OTHERS]
    if uid and kept:
        raise UsageError(
            f"a task of the twin has no use for {', '.join(kept)}",
            f"user {uid} started it, and has a single id: there is nobody else to become, or to give to",
            "run underpass as root, or leave capabilities out to try it here",
        )
