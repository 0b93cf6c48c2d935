"""Sends a bounded load, at a rate that does not wait for answers; run by path, at a place of the twin.

``python load.py '{"url": ..., "path": ..., "rate": 200, "seconds": 10}'`` prints a line of JSON. Every other
request has a connection of its own, the others share connections that are kept open, so that both new flows
and lasting ones are tried. A request on a kept connection that the other side closed before it answered is
sent once more on a new one, as clients do with what they may repeat (RFC 9112, section 9.3.1); it counts as
``retried``. What gets no answer, or an answer of 5xx, has failed, and so has what could not be sent in time
because too many requests were waiting for their answers. Imports only the standard library.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

STRANGER = b"x-underpass-stranger:"  # the header of an answer by whoever took over an address
TIMEOUT_S = 15.0
RESOLVE_AGAIN_S = 5.0
MOST_UNDER_WAY = 2000
MOST_TOLD = 5


class ClosedError(OSError):
    """A kept connection was closed before anything of the answer came."""


@dataclass
class LoadResult:
    """What became of the requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    strangers: int = 0
    retried: int = 0
    failed_at_s: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON can carry it; times in seconds."""
        took = sorted(self.seconds) or [0.0]
        lost = sum(count for status, count in self.statuses.items() if status >= 500)
        return {
            "requests": sum(self.statuses.values()) + sum(self.errors.values()),
            "failed": lost + sum(self.errors.values()),
            "to_stranger": self.strangers,
            "retried": self.retried,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "errors": dict(self.errors.most_common(MOST_TOLD)),
            "p50_s": round(took[len(took) // 2], 4),
            "p99_s": round(took[len(took) * 99 // 100], 4),
            "slowest_s": round(took[-1], 3),
            "over_a_second": sum(one > 1 for one in took),
            "failed_from_s": round(min(self.failed_at_s, default=0), 2),
            "failed_until_s": round(max(self.failed_at_s, default=0), 2),
        }


class Load:
    """The requests of one run."""

    def __init__(self, url: str, path: str, rate: float, seconds: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = path
        self._rate = rate
        self._count = int(rate * seconds)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._addresses: list[str] = []
        self._seen = LoadResult()
        self._began = 0.0

    async def run(self) -> dict[str, Any]:
        """Send all requests and return what became of them."""
        await self._resolve()
        resolving = asyncio.create_task(self._keep_resolving())
        self._began = time.monotonic()
        ends = self._began + self._count / self._rate
        under_way: set[asyncio.Task[None]] = set()
        for number in range(self._count):
            left_s = self._began + number / self._rate - time.monotonic()
            if left_s > 0:
                await asyncio.sleep(left_s)
            while len(under_way) >= MOST_UNDER_WAY and (left_s := ends - time.monotonic()) > 0:
                await asyncio.wait(under_way, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if len(under_way) >= MOST_UNDER_WAY:
                self._seen.errors["NotSent"] += self._count - number
                break
            task = asyncio.create_task(self._one(kept=number % 2 == 1))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            await asyncio.wait(under_way)
        resolving.cancel()
        took_s = time.monotonic() - self._began
        return {"began": self._began, "seconds": round(took_s, 2), **self._seen.summary()}

    async def _resolve(self) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=1)
        self._addresses = sorted({str(one[4][0]) for one in found})

    async def _keep_resolving(self) -> None:
        while True:
            await asyncio.sleep(RESOLVE_AGAIN_S)
            await self._resolve()

    async def _one(self, *, kept: bool) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                try:
                    status = await self._ask(kept=kept)
                except ClosedError:
                    self._seen.retried += 1
                    status = await self._ask(kept=False)
        except Exception as error:  # noqa: BLE001  counted by its kind, whatever it is
            self._seen.errors[type(error).__name__] += 1
            status = 599
        else:
            self._seen.statuses[status] += 1
        self._seen.seconds.append(time.monotonic() - began)
        if status >= 500:
            self._seen.failed_at_s.append(began - self._began)

    async def _ask(self, *, kept: bool) -> int:
        known = kept and bool(self._idle)
        reader, writer = self._idle.pop() if known else await self._connect()
        keeps = False
        try:
            writer.write(
                f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\n"
                f"Connection: {'keep-alive' if kept else 'close'}\r\n\r\n".encode()
            )
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                if known and not getattr(error, "partial", b""):
                    raise ClosedError from error
                raise
            keeps = await self._finish(reader, head.lower()) and kept
            return int(head.split(b" ", 2)[1])
        finally:
            if keeps:
                self._idle.append((reader, writer))
            else:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = None
        if self._secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        address = random.choice(self._addresses)  # noqa: S311  any of them
        named = self._host if context else None
        return await asyncio.open_connection(
            address, self._port, ssl=context, server_hostname=named
        )

    async def _finish(self, reader: asyncio.StreamReader, head: bytes) -> bool:
        """Read the body; return whether the connection can be used again."""
        self._seen.strangers += STRANGER in head
        fields = dict(line.split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            while (size := int((await reader.readline()).split(b";")[0], 16)) > 0:
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
        return fields.get(b"connection", b"").strip() != b"close"


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Load(**json.loads(sys.argv[1])).run())))  # noqa: T201  its answer
