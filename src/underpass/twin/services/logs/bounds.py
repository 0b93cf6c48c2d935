"""What moto keeps for ever, kept to the newest: a twin may run for days.

A registrar that runs every three seconds writes a hundred thousand lines a day.
"""

from __future__ import annotations

from typing import Any

EVENTS = 20_000  # lines of a log stream
DATA = 50_000  # values of all metrics of a region


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.logs.models import LogStream

    if hasattr(LogStream, "twin"):
        return
    LogStream.twin = True
    put_events, put_data = LogStream.put_log_events, CloudWatchBackend.put_metric_data

    def put_log_events(stream: Any, log_events: list[dict[str, Any]]) -> Any:
        token = put_events(stream, log_events)
        _trim(stream.events, EVENTS)
        return token

    def put_metric_data(backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        put_data(backend, namespace, metric_data)
        _trim(backend.metric_data, DATA)

    LogStream.put_log_events = put_log_events
    CloudWatchBackend.put_metric_data = put_metric_data


def _trim(kept: list[Any], most: int) -> None:
    """Drop the oldest quarter of a list that grew beyond ``most``: rarely, and then enough."""
    if len(kept) > most:
        del kept[: len(kept) - most * 3 // 4]
