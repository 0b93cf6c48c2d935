"""SQS in moto, with ``lambda_.event_source_mappings`` to invoke the functions that read queues.

moto would invoke them within the call that sends a message, through Docker; here whoever reads is told that
a message came. moto hands out what has expired, and lets it block its message group for ever. A message's
life and the time it is hidden are what the application works within, in a task or in a function, and last as
long as in AWS; but the registrar's queue keeps up with its schedule, which runs on the twin's clock.

A poll that waits lets go of the lock around moto's records until its queue changes.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from moto.core.utils import unix_time_millis
from moto.sqs.models import Queue, SQSBackend
from moto.sqs.responses import SQSResponse

from underpass.twin.api import patch
from underpass.twin.region.clock import Wait, is_registrars, scaled_s
from underpass.twin.region.records import LOCK

_CHANGED = threading.Condition(LOCK)
_caller = threading.local()  # of whom it answers: the connection
_LISTEN_S = 1.0  # how often a waiting poll looks whether its caller is still there

Arrived = Callable[[str], None]
"""(a queue's ARN): called for each message that is sent, and returns at once."""

_arrived: list[Arrived] = []


def attach(arrived: Arrived) -> None:
    """Have ``arrived`` called from now on."""
    _arrived[:] = [arrived]


@patch.wrap(Queue, "add_message")
def _tell(original: Callable[..., None], queue: Any, message: Any) -> None:
    mapped, queue.lambda_event_source_mappings = queue.lambda_event_source_mappings, {}
    try:
        original(queue, message)
    finally:
        queue.lambda_event_source_mappings = mapped
    for arrived in _arrived:
        arrived(queue.queue_arn)


@patch.wrap(Queue, "add_message")  # around the one above
@patch.wrap(Queue, "delete_message")  # frees its message group
@patch.wrap(SQSBackend, "delete_queue")
@patch.wrap(SQSBackend, "change_message_visibility")
def _change(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Have waiting polls look again afterwards."""
    with _CHANGED:
        _CHANGED.notify_all()
        return original(*arguments, **named)


@patch.wrap(SQSResponse, "receive_message")
def _receive(original: Callable[[Any], Any], response: Any) -> Any:
    _caller.line = response.normalized_request.environ.get("werkzeug.socket")
    return original(response)


@patch.wrap(SQSBackend, "receive_message")
def _receive_alive(
    original: Callable[..., Any],
    backend: Any,
    name: str,
    count: int,
    wait_s: int,
    hidden_s: int,
    *rest: Any,
    **named: Any,
) -> Any:
    """Receive nothing that has expired."""
    queue = backend.get_queue(name)
    life_s = float(queue.message_retention_period)
    if is_registrars(name):
        life_s = scaled_s(Wait.REGISTRAR, life_s)
        hidden_s = int(scaled_s(Wait.REGISTRAR, hidden_s, 1.0)) if hidden_s else hidden_s
    oldest_ms = unix_time_millis() - 1000 * life_s
    for message in [one for one in queue._messages if one.sent_timestamp < oldest_ms]:  # noqa: SLF001
        queue._messages.remove(message)  # noqa: SLF001
        queue.pending_messages.discard(message)
    return original(backend, name, count, wait_s, hidden_s, *rest, **named)


@patch.wrap(SQSBackend, "receive_message")  # around the one above, which takes what is there
def _receive_waiting(
    original: Callable[..., Any],
    backend: Any,
    name: str,
    count: int,
    wait_s: int,
    *rest: Any,
    **named: Any,
) -> Any:
    """Receive as a long poll."""
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


def _next_s(queue: Any) -> float:
    """Return in how many seconds the next message is seen, or seen again, by itself."""
    now = unix_time_millis()
    times = [max(one.visible_at, one.delayed_until) - now for one in queue._messages]  # noqa: SLF001
    return max(
        0.001, min((time_ms for time_ms in times if time_ms >= 0), default=60_000) / 1000 + 0.001
    )


def _hung_up() -> bool:
    """Tell whether the caller has gone: a message for it would be hidden from everybody else."""
    line = getattr(_caller, "line", None)
    try:
        return bool(
            line and select.select([line], [], [], 0)[0] and not line.recv(1, socket.MSG_PEEK)
        )
    except (OSError, ValueError):  # ValueError: its file descriptor is closed
        return True


@patch.wrap(SQSBackend, "set_queue_attributes")
def _keep_policy(
    original: Callable[..., Any], backend: Any, name: str, attributes: dict[str, Any]
) -> Any:
    return original(backend, name, {"Policy": backend.get_queue(name).policy, **attributes})
