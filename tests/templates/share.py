"""What is too long for every run: here a part, drawn by the day or by ``SEED``; ``make soak`` tries all."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

SEED = int(os.environ.get("SEED") or datetime.now(UTC).toordinal())
_ALL = os.environ.get("WHOLE") == "1"
T = TypeVar("T")


def share(every: Sequence[T], of: int) -> list[T]:
    """Return one of so many, at least one; all of them in ``make soak``."""
    if _ALL:
        return list(every)
    return random.Random(SEED).sample(every, max(len(every) // of, 1))


def told() -> None:
    """Print what draws the same again, for whoever reads that it failed."""
    print(f"SEED={SEED}")
