"""SQS in moto, with ``functions.queues`` to invoke the functions that read queues.

moto would invoke them within the call that sends a message, through Docker; here whoever reads is told that
a message came. moto hands out what has expired, and lets it block its message group for ever. Where Lambda
reads, a message's life and the time it is hidden are AWS's waiting times and run on the twin's clock; where
the application reads, they are what it works within, and last as long as in AWS.

A poll that waits lets go of the lock around moto's records until its queue changes.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from underpass.twin.region.clock import scaled_s
from underpass.twin.region.records import LOCK

_CHANGED = threading.Condition(LOCK)
_LISTEN_S = 1.0  # how often a waiting poll looks whether its caller is still there

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
    Queue.add_message = _changing(_told(Queue.add_message))
    Queue.delete_message = _changing(Queue.delete_message)  # frees its message group
    SQSBackend.delete_queue = _changing(SQSBackend.delete_queue)
    SQSBackend.change_message_visibility = _changing(SQSBackend.change_message_visibility)
    SQSBackend.receive_message = _waiting(_alive_only(SQSBackend.receive_message))
    SQSBackend.set_queue_attributes = _keeping_policy(SQSBackend.set_queue_attributes)


def _changing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``original``, after which waiting polls look again."""

    def changed(*arguments: Any, **named: Any) -> Any:
        with _CHANGED:
            _CHANGED.notify_all()
            return original(*arguments, **named)

    return changed


def _waiting(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``original``, which takes what is there, as a long poll."""

    def receive_message(
        backend: Any, name: str, count: int, wait_s: int, *rest: Any, **named: Any
    ) -> Any:
        end = time.monotonic() + wait_s
        with _CHANGED:
            while True:
                found = original(backend, name, count, 0, *rest, **named)
                left_s = end - time.monotonic()
                if found or left_s <= 0:
                    return found
                _CHANGED.wait(min(left_s, _next_s(backend.get_queue(name)), _LISTEN_S))
                if _hung_up():
                    return []

    return receive_message


def _next_s(queue: Any) -> float:
    """Return in how many seconds the next message is seen, or seen again, by itself."""
    from moto.core.utils import unix_time_millis

    now = unix_time_millis()
    times = [max(one.visible_at, one.delayed_until) - now for one in queue._messages]  # noqa: SLF001
    return max(
        0.001, min((time_ms for time_ms in times if time_ms >= 0), default=60_000) / 1000 + 0.001
    )


def _hung_up() -> bool:
    """Tell whether the caller has gone: a message for it would be hidden from everybody else."""
    from flask import has_request_context, request

    line = request.environ.get("werkzeug.socket") if has_request_context() else None
    try:
        return bool(
            line and select.select([line], [], [], 0)[0] and not line.recv(1, socket.MSG_PEEK)
        )
    except (OSError, ValueError):  # ValueError: its file descriptor is closed
        return True


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
        life_s = float(queue.message_retention_period)
        if _read_by_lambda(queue):
            life_s = scaled_s(life_s)
            hidden_s = int(scaled_s(float(hidden_s), at_least_s=1.0)) if hidden_s else hidden_s
        oldest_ms = unix_time_millis() - 1000 * life_s
        for message in [one for one in queue._messages if one.sent_timestamp < oldest_ms]:  # noqa: SLF001
            queue._messages.remove(message)  # noqa: SLF001
            queue.pending_messages.discard(message)
        return original(backend, name, count, wait_s, hidden_s, *rest, **named)

    return receive_message


def _read_by_lambda(queue: Any) -> bool:
    """Tell whether a function is mapped to a queue; moto's queue keeps mappings that were deleted."""
    from moto.awslambda.utils import get_backend

    held = get_backend(queue.account_id, queue.region).list_event_source_mappings(None, None)
    return any(mapping in held for mapping in queue.lambda_event_source_mappings.values())


def _keeping_policy(original: Callable[..., Any]) -> Callable[..., Any]:
    def set_queue_attributes(backend: Any, name: str, attributes: dict[str, Any]) -> Any:
        kept = {"Policy": backend.get_queue(name).policy}
        return original(backend, name, {**kept, **attributes})

    return set_queue_attributes
