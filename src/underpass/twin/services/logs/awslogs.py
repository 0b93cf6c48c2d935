"""What containers print, on its way to CloudWatch Logs (the ``awslogs`` driver).

One thread reads every container's pipe, so that no application ever waits for the API; another sends what
was read, in order and in batches. A container that prints faster than the API takes loses its oldest lines
beyond ``BUFFERED_BYTES``, and its log says how many (the driver's ``non-blocking`` mode).
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from underpass.twin.region.worker import Worker

log = logging.getLogger(__name__)

BUFFERED_BYTES = 8 << 20
EVENT_BYTES = 256 * 1024 - 26  # an event's limit, less what AWS counts for its head
BATCH_BYTES, BATCH_EVENTS = 1 << 20, 10_000
SETTLE_S = 0.1  # lines are sent together that come this close
RETRY_S = 1.0


@dataclass(frozen=True)
class Destination:
    """A log stream."""

    group: str
    stream: str


class Stream:
    """One container's output, from its pipe to its log stream."""

    def __init__(self, reader: int, destination: Destination | None) -> None:
        self.reader = reader
        self.destination = destination
        self.ended = threading.Event()
        self._lines: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._dropped = 0
        self._partial = b""
        self._lock = threading.Lock()

    def feed(self, data: bytes, now_ms: int) -> None:
        """Take what was read; a line ends at its newline, or where it passes an event's limit."""
        if self.destination is None:
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        while len(self._partial) >= EVENT_BYTES:
            lines.append(self._partial[:EVENT_BYTES])
            self._partial = self._partial[EVENT_BYTES:]
        self._keep(lines, now_ms)

    def end(self, now_ms: int) -> None:
        """Take the end: what came without a newline is a line too."""
        if self._partial:
            self._keep([self._partial], now_ms)
        self.ended.set()

    def _keep(self, lines: list[bytes], now_ms: int) -> None:
        with self._lock:
            for whole in lines:
                for start in range(0, len(whole), EVENT_BYTES):
                    part = whole[start : start + EVENT_BYTES].removesuffix(b"\r")
                    if part:  # CloudWatch takes no empty event
                        self._lines.append((now_ms, part))
                        self._size += len(part)
            while self._size > BUFFERED_BYTES:
                self._size -= len(self._lines.popleft()[1])
                self._dropped += 1

    def batch(self) -> list[dict[str, Any]]:
        """Take the next events to send; empty if there are none."""
        events: list[dict[str, Any]] = []
        size = 0
        with self._lock:
            if self._dropped and self._lines:
                text = f"[{self._dropped} lines were dropped: they came faster than they could be sent]"
                events.append({"timestamp": self._lines[0][0], "message": text})
                self._dropped = 0
            while self._lines and len(events) < BATCH_EVENTS:
                stamp, line = self._lines[0]
                size += len(line) + 26
                if size > BATCH_BYTES and events:
                    break
                self._lines.popleft()
                self._size -= len(line)
                events.append({"timestamp": stamp, "message": line.decode(errors="replace")})
        return events

    @property
    def empty(self) -> bool:
        """Whether all that was read has been taken."""
        with self._lock:
            return not self._lines


class Logs:
    """The pump for all containers of a region.

    Parameters
    ----------
    client
        Returns the CloudWatch Logs client; called when there is something to send.
    """

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._selector = selectors.DefaultSelector()
        self._streams: set[Stream] = set()
        self._changed = threading.Condition()
        self._reader = Worker("logs-read", self._read, self._wake_reading)
        self._sender = Worker("logs-send", self._send, self._wake_sending)
        self._woken = False

    def start(self) -> Logs:
        """Start both threads."""
        self._wake_reader, self._wake_writer = os.pipe()
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._reader.start()
        self._sender.start()
        return self

    def stop(self) -> None:
        """Send what has been read, and end."""
        self._reader.stop()
        self._sender.stop()
        self._send_all()

    def _wake_reading(self) -> None:
        os.write(self._wake_writer, b"x")

    def _wake_sending(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def open(self, destination: Destination | None) -> tuple[Stream, int]:
        """Return a stream and the descriptor to write into, which is the caller's to close.

        Without a destination the output is read and forgotten.

        Raises
        ------
        botocore.exceptions.ClientError
            When the stream cannot be made, such as where its log group does not exist.
        """
        if destination:
            client = self._client()
            with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                client.create_log_stream(
                    logGroupName=destination.group, logStreamName=destination.stream
                )
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        stream = Stream(reader, destination)
        with self._changed:
            self._streams.add(stream)
        self._selector.register(reader, selectors.EVENT_READ, stream)
        self._wake_reading()
        return stream, writer

    def finish(self, stream: Stream, timeout_s: float = 5.0) -> None:
        """Wait until all that was printed has been sent, once nobody prints any more."""
        deadline = time.monotonic() + timeout_s
        stream.ended.wait(timeout_s)
        with self._changed:
            self._changed.wait_for(
                lambda: stream not in self._streams, max(0.0, deadline - time.monotonic())
            )

    def _read(self) -> None:
        for key, _ in self._selector.select():
            if key.data is None:
                os.read(self._wake_reader, 4096)
            else:
                self._take(key.data)
        with self._changed:
            self._changed.notify_all()

    def _take(self, stream: Stream) -> None:
        now_ms = time.time_ns() // 1_000_000
        try:
            data = os.read(stream.reader, 1 << 16)
        except BlockingIOError:
            return
        if data:
            stream.feed(data, now_ms)
            return
        stream.end(now_ms)
        self._selector.unregister(stream.reader)
        os.close(stream.reader)

    def _send(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._work())
            self._woken = False
        if not self._sender.stopping.wait(SETTLE_S):
            self._send_all()

    def _send_all(self) -> None:
        with self._changed:
            streams = tuple(self._streams)
        for stream in streams:
            while events := stream.batch():
                self._put(stream.destination, events)
        with self._changed:
            self._streams -= {s for s in streams if s.ended.is_set() and s.empty}
            self._changed.notify_all()

    def _work(self) -> bool:
        return any(not stream.empty or stream.ended.is_set() for stream in self._streams)

    def _put(self, destination: Destination | None, events: list[dict[str, Any]]) -> None:
        """Send events; tried again a few times, then given up: the application must not feel it."""
        if destination is None:
            return
        for wait_s in (RETRY_S, RETRY_S, 0.0):
            try:
                self._client().put_log_events(
                    logGroupName=destination.group,
                    logStreamName=destination.stream,
                    logEvents=events,
                )
            except Exception:
                log.warning("sending to %s failed", destination, exc_info=True)
                time.sleep(wait_s)
            else:
                return
