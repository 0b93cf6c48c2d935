"""SQS in moto, with ``functions.queues`` to invoke the functions that read queues.

moto would invoke them within the call that sends a message, through Docker; here whoever reads is told that
a message came. A message's life and the time it is hidden are AWS's waiting times, so they run on the twin's
clock; moto hands out what has expired, and lets it block its message group for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from underpass.twin.region.clock import scaled_s

Arrived = Callable[[str], None]
"""(a queue's ARN): called for each message that is sent, and returns at once."""

_arrived: list[Arrived] = []


def attach(arrived: Arrived) -> None:
    """Have ``arrived`` called from now on."""
    _arrived[:] = [arrived]


def install() -> None:
    """Patch moto; once is enough, and more does no harm."""
    from moto.sqs.models import Queue, SQSBackend

    if hasattr(Queue, "twin"):
        return
    Queue.twin = True
    Queue.add_message = _told(Queue.add_message)
    SQSBackend.receive_message = _alive_only(SQSBackend.receive_message)
    SQSBackend.set_queue_attributes = _keeping_policy(SQSBackend.set_queue_attributes)


def _told(original: Callable[..., None]) -> Callable[..., None]:
    def add_message(queue: Any, message: Any) -> None:
        mapped, queue.lambda_event_source_mappings = queue.lambda_event_source_mappings, {}
        try:
            original(queue, message)
        finally:
            queue.lambda_event_source_mappings = mapped
        for arrived in _arrived:
            arrived(queue.queue_arn)

    return add_message


def _alive_only(original: Callable[..., Any]) -> Callable[..., Any]:
    def receive_message(
        backend: Any, name: str, count: int, wait_s: int, hidden_s: int, *rest: Any, **named: Any
    ) -> Any:
        from moto.core.utils import unix_time_millis

        queue = backend.get_queue(name)
        oldest_ms = unix_time_millis() - 1000 * scaled_s(float(queue.message_retention_period))
        for message in [one for one in queue._messages if one.sent_timestamp < oldest_ms]:  # noqa: SLF001
            queue._messages.remove(message)  # noqa: SLF001
            queue.pending_messages.discard(message)
        hidden = int(scaled_s(float(hidden_s), at_least_s=1.0)) if hidden_s else hidden_s
        return original(backend, name, count, wait_s, hidden, *rest, **named)

    return receive_message


def _keeping_policy(original: Callable[..., Any]) -> Callable[..., Any]:
    def set_queue_attributes(backend: Any, name: str, attributes: dict[str, Any]) -> Any:
        kept = {"Policy": backend.get_queue(name).policy}
        return original(backend, name, {**kept, **attributes})

    return set_queue_attributes
