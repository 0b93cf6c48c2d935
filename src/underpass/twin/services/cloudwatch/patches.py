"""CloudWatch in moto, corrected: composite alarms are recorded, and old values of metrics are dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse

from underpass.twin.api import patch
from underpass.twin.services.logs.patches import trim

DATA = 50_000  # values of all metrics of a region


@patch.add(CloudWatchResponse, "put_composite_alarm")
def _put_composite_alarm(response: Any) -> Any:
    return response.put_metric_alarm()


@patch.wrap(CloudWatchBackend, "put_metric_data")
def _put_metric_data(
    original: Callable[..., Any], backend: Any, namespace: str, metric_data: list[dict[str, Any]]
) -> None:
    original(backend, namespace, metric_data)
    trim(backend.metric_data, DATA)
