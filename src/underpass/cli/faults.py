"""Any exception as an error that the user can act on, where it is one."""

from __future__ import annotations

import errno

import typer

from underpass.errors import UnderpassError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def expected(error: Exception) -> UnderpassError | None:
    """Return the error as one the user can act on, or None for a fault of underpass."""
    if isinstance(error, UnderpassError):
        return error
    if isinstance(error, typer.TyperException):  # the command line was not understood
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "underpass"
        return UsageError(error.format_message().rstrip("."), "", f"run `{command} --help`")
    if isinstance(error, typer.Abort):
        return UnderpassError("stopped")
    if isinstance(error, OSError) and error.errno in _FULL:
        return UnderpassError(
            f"{error.filename or 'the output'} could not be written",
            str(error.strerror),
            "make room there, or write to another place",
        )
    if type(error).__module__.startswith("botocore"):  # known by name: importing it takes 0.1 s
        return UnderpassError(
            "AWS did not do what was asked", str(error), "check the credentials and the region"
        )
    return None
