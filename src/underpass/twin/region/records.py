"""moto's records, plain dictionaries of this process: whoever touches them does so in ``records()``.

The API holds them while it answers, so what it calls has them. Whoever holds them waits for nothing: what has
to wait does so on a condition of the lock, which lets go of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from underpass.twin.region.aws import ACCOUNT_ID

LOCK = threading.RLock()
_MARK = "twin_records"


@contextmanager
def records() -> Iterator[None]:
    """Have moto's records to oneself, for a block or, as a decorator, for a function's call."""
    with LOCK:
        yield


@records()
def mark(region: str) -> None:
    """Say that what is recorded from now on is to stay."""
    from moto.sqs.models import sqs_backends

    setattr(sqs_backends[ACCOUNT_ID][region], _MARK, True)


@records()
def intact(region: str) -> bool:
    """Tell whether moto still has them: a reset, which empties all of them, takes the mark too."""
    from moto.sqs.models import sqs_backends

    return hasattr(sqs_backends[ACCOUNT_ID][region], _MARK)
