"""A load while something is done to the twin, sent at a consumer's place, never from here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from underpass.errors import UnderpassError
from underpass.twin.chaos import load
from underpass.twin.host import nsenter
from underpass.twin.host.running_twins import Running

T = TypeVar("T")

BEFORE_S = 2.0  # of load before anything is done
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Demand:
    """A load: what is asked, how often, how long, and from which consumer."""

    consumer: str
    url: str
    path: str
    rate: float = 200.0
    seconds: float = 30.0


def under_load(running: Running, demand: Demand, work: Callable[[], T]) -> dict[str, Any]:
    """Do ``work`` while the load is sent; return what became of the requests.

    Raises
    ------
    UnderpassError
        When the load could not be sent.
    """
    asked = {"url": demand.url, "path": demand.path, "rate": demand.rate, "seconds": demand.seconds}
    argv = [sys.executable, str(Path(load.__file__)), json.dumps(asked)]
    command = nsenter.command(running, f"consumer/{demand.consumer}", argv, Path("/"))
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as sending:
        try:
            time.sleep(BEFORE_S)
            work()
            out, err = sending.communicate(timeout=demand.seconds + load.TIMEOUT_S + _PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            sending.kill()
            raise UnderpassError(
                f"the load from consumer/{demand.consumer} does not end",
                f"it was to last {demand.seconds} s",
                f"see {running.state / 'region.log'}",
            ) from error
        except BaseException:
            sending.kill()
            raise
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        raise UnderpassError(
            f"no load could be sent from consumer/{demand.consumer}", err.strip(), ""
        ) from None
    return answer
