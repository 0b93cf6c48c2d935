"""A program that is given a text and ends by itself, run in a sandbox: what it says, and how it ended."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass

from underpass.errors import UnderpassError
from underpass.twin.linux import process
from underpass.twin.linux.isolation import Spec

_KEPT = 16 << 20  # bytes of what it says, its last


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the last of what it said."""

    exit_code: int
    said: str


def run(spec: Spec, given: int, timeout_s: float) -> Ended | None:
    """Run the sandbox with ``given`` as its standard input; None when the time was up, and it is gone.

    Raises
    ------
    UnderpassError
        When the sandbox cannot be started.
    """
    spec.root.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as output:
        try:
            started = process.start(spec, writer, given)
        except process.StartError as error:
            raise UnderpassError(f"{spec.argv[0]} cannot be started", str(error)) from error
        finally:
            os.close(writer)
        said, deadline = bytearray(), time.monotonic() + timeout_s
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                if not select.select([output], [], [], left_s)[0]:
                    continue
                part = output.read(1 << 16)
                if not part:
                    return Ended(started.wait(), said.decode(errors="replace"))
                said += part
                if len(said) > 2 * _KEPT:
                    del said[:-_KEPT]
            return None
        finally:
            started.signal(signal.SIGKILL)
            started.wait()
            started.close()
