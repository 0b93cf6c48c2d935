"""What moto keeps for ever, kept to the newest: a twin may run for days.

A registrar that runs every three seconds writes a hundred thousand lines a day.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.logs.models import LogStream

from underpass.twin.api import patch

EVENTS = 20_000  # lines of a log stream


@patch.wrap(LogStream, "put_log_events")
def _put_log_events(
    original: Callable[..., Any], stream: Any, log_events: list[dict[str, Any]]
) -> Any:
    token = original(stream, log_events)
    trim(stream.events, EVENTS)
    return token


def trim(kept: list[Any], most: int) -> None:
    """Drop the oldest quarter of a list that grew beyond ``most``: rarely, and then enough."""
    if len(kept) > most:
        del kept[: len(kept) - most * 3 // 4]
