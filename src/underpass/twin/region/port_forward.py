"""Port forwards: loopback ports of the host that lead to the application *through a consumer's VPC*.

The listening socket belongs to the host's network; each connection accepted on it is carried on by a
socket made in the namespace of the consumer's client, so that what a browser sees has passed the
endpoint, the NLB and the ALB like any other consumer's request.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial

from underpass.errors import UnderpassError
from underpass.twin.region.worker import Worker

log = logging.getLogger(__name__)

_CHUNK = 1 << 16

Dial = Callable[[], Sequence[tuple[socket.socket, tuple[str, int]]]]
"""Gives, for one new connection, unconnected sockets and where to connect each, in order of preference."""


class PortForward:
    """All port forwards of a region, on one event loop in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._open: dict[str, asyncio.Server] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def start(self) -> PortForward:
        """Start the event loop's thread."""
        stop = partial(self._loop.call_soon_threadsafe, self._loop.stop)
        Worker("port forwards", self._loop.run_forever, stop).start()
        return self

    def open(self, name: str, bound: socket.socket, dial: Dial) -> None:
        """Carry what arrives on ``bound`` to where ``dial`` leads."""
        asyncio.run_coroutine_threadsafe(self._serve(name, bound, dial), self._loop).result(10)

    def close(self, name: str) -> None:
        """Stop listening; connections that were accepted go on."""
        server = self._open.pop(name, None)
        if server:
            self._loop.call_soon_threadsafe(server.close)

    async def _serve(self, name: str, bound: socket.socket, dial: Dial) -> None:
        async def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await _carry(reader, writer, dial)
            except (OSError, TimeoutError, UnderpassError) as error:
                log.info("port forward of %s: %s", name, error)
            finally:
                writer.close()

        self._open[name] = await asyncio.start_server(arrived, sock=bound, limit=_CHUNK)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dial: Dial) -> None:
    loop = asyncio.get_running_loop()
    far = await _first(await loop.run_in_executor(None, dial))
    far_reader, far_writer = await asyncio.open_connection(sock=far, limit=_CHUNK)
    try:
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        far_writer.close()


async def _first(candidates: Sequence[tuple[socket.socket, tuple[str, int]]]) -> socket.socket:
    """Connect the first candidate that lets itself be connected, and close the others."""
    loop = asyncio.get_running_loop()
    error: Exception = ConnectionError("the consumer has no endpoint yet")
    for position, (candidate, address) in enumerate(candidates):
        candidate.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(candidate, address), timeout=5)
        except (OSError, TimeoutError) as failed:
            candidate.close()
            error = failed
            continue
        for other, _ in candidates[position + 1 :]:
            other.close()
        return candidate
    raise error


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
