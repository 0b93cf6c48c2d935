"""What moto keeps for ever, kept to the newest: a twin may run for days.

A registrar that runs every three seconds writes a hundred thousand lines a day.
"""

from __future__ import annotations

from typing import Any

EVENTS = 20_000  # lines of a log stream


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.logs.models import LogStream

    put_events = LogStream.put_log_events
    if put_events.__module__ == __name__:
        return

    def put_log_events(stream: Any, log_events: list[dict[str, Any]]) -> Any:
        token = put_events(stream, log_events)
        trim(stream.events, EVENTS)
        return token

    LogStream.put_log_events = put_log_events


def trim(kept: list[Any], most: int) -> None:
    """Drop the oldest quarter of a list that grew beyond ``most``: rarely, and then enough."""
    if len(kept) > most:
        del kept[: len(kept) - most * 3 // 4]
