"""The one family of errors a user may see: what happened, why, and what to do next."""

from __future__ import annotations


class UnderpassError(Exception):
    """Something went wrong that the user can understand and act on.

    Parameters
    ----------
    what
        What happened, in one sentence without a full stop.
    why
        The reason, as far as it is known.
    try_next
        The next command to run, or the next thing to change.

    Example
    -------
    >>> raise UnderpassError("the port is taken", "127.0.0.1:4566 is in use", "pass --api-port")
    Traceback (most recent call last):
    underpass.errors.UnderpassError: the port is taken: 127.0.0.1:4566 is in use
    """

    exit_status = 1

    def __init__(self, what: str, why: str = "", try_next: str = "") -> None:
        super().__init__(f"{what}: {why}" if why else what)
        self.what = what
        self.why = why
        self.try_next = try_next


class UsageError(UnderpassError):
    """The command line or the configuration is wrong; nothing was changed."""

    exit_status = 2
