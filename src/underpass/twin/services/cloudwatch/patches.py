"""CloudWatch in moto, corrected: composite alarms are recorded, and old values of metrics are dropped."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.logs.patches import trim

DATA = 50_000  # values of all metrics of a region


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.cloudwatch.responses import CloudWatchResponse

    CloudWatchResponse.put_composite_alarm = CloudWatchResponse.put_metric_alarm
    put_data = CloudWatchBackend.put_metric_data
    if put_data.__module__ == __name__:
        return

    def put_metric_data(backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        put_data(backend, namespace, metric_data)
        trim(backend.metric_data, DATA)

    CloudWatchBackend.put_metric_data = put_metric_data
