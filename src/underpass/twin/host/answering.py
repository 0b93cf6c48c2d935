"""Whether a running region still is what it was started as, told in words with what to run next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.host.running_twins import Running, restart
from underpass.twin.region import control_socket

ANSWER_TIMEOUT_S = 30.0  # a region that is at work answers within a second


def check(running: Running) -> list[Mapping[str, Any]]:
    """Return what has failed in a region that answers and has its records; see ``worker.Condition``.

    Raises
    ------
    UnderpassError
        For any other.
    """
    try:
        seen = control_socket.call(running.state, "status", timeout_s=ANSWER_TIMEOUT_S)
    except UnderpassError as error:
        raise UnderpassError(
            "the twin does not answer",
            f"{error.why}\nits log is {running.state / 'region.log'}",
            f"run {restart(running)}",
        ) from error
    if not seen["records"]:
        raise UnderpassError(
            "the twin has lost its records",
            "somebody reset its AWS APIs: what still runs is known to nobody",
            f"run {restart(running)}",
        )
    failures: list[Mapping[str, Any]] = seen.get("failures", [])
    return failures


@contextmanager
def explained(running: Running) -> Iterator[None]:
    """Tell what AWS's client raises meanwhile as what has become of the twin.

    Raises
    ------
    UnderpassError
        With what is wrong with the region, or else what its API said.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("botocore"):  # importing it takes 0.1 s
            raise
        check(running)
        raise UnderpassError(
            "the twin did not do what was asked",
            f"{error}\nits log is {running.state / 'region.log'}",
            f"if it does not pass, run {restart(running)}",
        ) from error
