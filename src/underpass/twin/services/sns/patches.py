"""SNS in moto, without HTTP: moto sends within the call that publishes, and would wait in the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend

from underpass.twin.api import patch


@patch.wrap(SNSBackend, "subscribe")
def _subscribe(
    original: Callable[..., Any], backend: Any, topic_arn: str, endpoint: str, protocol: str
) -> Any:
    """Subscribe by those protocols only that wait for nobody."""
    if protocol in {"http", "https"}:
        raise SNSInvalidParameter(f"Protocol {protocol} does not work on the twin.")
    return original(backend, topic_arn, endpoint, protocol)
