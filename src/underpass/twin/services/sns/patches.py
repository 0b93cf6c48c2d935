"""SNS in moto, without HTTP: moto sends within the call that publishes, and would wait in the lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.sns.models import SNSBackend

    if not hasattr(SNSBackend, "twin"):
        SNSBackend.twin = True
        SNSBackend.subscribe = _delivered(SNSBackend.subscribe)


def _delivered(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``original`` for those protocols only that wait for nobody."""

    def subscribe(backend: Any, topic_arn: str, endpoint: str, protocol: str) -> Any:
        if protocol in {"http", "https"}:
            from moto.sns.exceptions import SNSInvalidParameter

            raise SNSInvalidParameter(f"Protocol {protocol} does not work on the twin.")
        return original(backend, topic_arn, endpoint, protocol)

    return subscribe
