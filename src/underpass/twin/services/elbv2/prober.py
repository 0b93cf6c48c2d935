"""Asks targets whether they are well, each from the node that would send them traffic.

One thread for all checks. A check's socket is made in the node's namespace, so it meets the routes and the
security groups that traffic meets. Intervals run on the twin's clock; how long a target may take to answer
is never shortened. Only reaching it at all is given less time, as there is no distance here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache, partial

from underpass.twin.region import http2
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.worker import Worker
from underpass.twin.services.elbv2 import health
from underpass.twin.services.elbv2.health import (
    CheckKey,
    Health,
    HealthCheck,
    HealthTable,
    Thresholds,
)

log = logging.getLogger(__name__)

AGENT = "ELB-HealthChecker/2.0"
REACH_AT_LEAST_S = 1.0
FINAL = 200  # statuses below announce another


class Prober:
    """Runs the checks it is given and writes what they see into the health table.

    Parameters
    ----------
    table
        Where results go.
    open_socket
        Returns a TCP socket in the namespace of that name.
    changed
        Called, from the prober's thread, whenever a result is news; must return at once.
    """

    def __init__(
        self,
        table: HealthTable,
        open_socket: Callable[[str], socket.socket],
        changed: Callable[[], None],
    ) -> None:
        self._table = table
        self._open_socket = open_socket
        self._changed = changed
        self._running: dict[CheckKey, tuple[HealthCheck, asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        end = partial(self._loop.call_soon_threadsafe, self._loop.stop)
        self._worker = Worker("prober", self._loop.run_forever, end)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def stop(self) -> None:
        """End all checks and the thread."""
        if self._worker.is_alive():
            self._worker.stop()
            self._loop.run_until_complete(self._end())
            self._loop.close()

    def watch(self, checks: Mapping[CheckKey, HealthCheck]) -> None:
        """Make these the checks that run: new ones ask at once, the others go on as they were."""
        self._loop.call_soon_threadsafe(self._replace, dict(checks))

    async def _end(self) -> None:
        for _, task in self._running.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)

    def _replace(self, checks: Mapping[CheckKey, HealthCheck]) -> None:
        for key, (check, task) in list(self._running.items()):
            # A check does not end by itself; one that did is made anew.
            if checks.get(key) != check or task.done():
                task.cancel()
                del self._running[key]
        for key, check in checks.items():
            if key not in self._running:
                task = self._loop.create_task(self._repeat(key, check))
                self._running[key] = (check, task)

    async def _repeat(self, key: CheckKey, check: HealthCheck) -> None:
        thresholds = Thresholds(check)
        while True:
            observed = thresholds.after(await self._ask(key, check), self._loop.time())
            if self._table.put(key, observed):
                self._changed()
            await asyncio.sleep(thresholds.pause_s)

    async def _ask(self, key: CheckKey, check: HealthCheck) -> Health:
        port = check.port or key.target.port
        try:
            with self._open_socket(key.node) as connection:
                connection.setblocking(False)
                reach_s = scaled_s(Wait.REACH, check.timeout_s, REACH_AT_LEAST_S)
                async with asyncio.timeout(reach_s):
                    await self._loop.sock_connect(connection, (key.address, port))
                if check.protocol == "TCP":
                    return health.HEALTHY
                ask = _status if check.version == "HTTP1" else _status_in_http2
                async with asyncio.timeout(check.timeout_s):
                    status = await ask(connection, check, f"{key.address}:{port}")
        except TimeoutError:
            return health.TIMED_OUT if check.protocol != "TCP" else health.FAILED
        except (OSError, ValueError, EOFError):
            return health.FAILED
        except Exception:  # a check that ended would leave its target as it is for ever
            log.exception("the check of %s:%d from %s", key.address, port, key.node)
            return health.FAILED
        return health.HEALTHY if matches(check.matcher, status) else health.mismatch(status)


async def _status_in_http2(connection: socket.socket, check: HealthCheck, host: str) -> int:
    """Return HTTP's status of an answer over HTTP/2 or, of a gRPC method called with no message, gRPC's.

    Raises
    ------
    ValueError
        When it is not HTTP/2, or not gRPC.
    """
    secure, grpc = check.protocol == "HTTPS", check.version == "GRPC"
    reader, writer = await asyncio.open_connection(
        sock=connection,
        ssl=_unverified("h2") if secure else None,
        server_hostname="" if secure else None,
    )
    try:
        writer.write(http2.request(check.path, host, AGENT, secure=secure, grpc=grpc))
        answer = http2.Answer()
        while not (answer.ended or (answer.status >= FINAL and not grpc)):
            data = await reader.read(1 << 16)
            if not data:
                raise EOFError
            writer.write(answer.feed(data))
        if not grpc:
            return answer.status
        if answer.grpc_status is None:
            raise ValueError(f"no status of gRPC in an answer of {answer.status}")
        return answer.grpc_status
    finally:
        writer.close()
        writer.transport.abort()


async def _status(connection: socket.socket, check: HealthCheck, host: str) -> int:
    """Return the status of an HTTP answer.

    Raises
    ------
    ValueError
        When it is not HTTP.
    """
    secure = _unverified() if check.protocol == "HTTPS" else None
    reader, writer = await asyncio.open_connection(
        sock=connection, ssl=secure, server_hostname="" if secure else None
    )
    try:
        writer.write(
            f"GET {check.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {AGENT}\r\n"
            "Accept-Encoding: gzip, compressed\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readline()
        version, status, *_ = line.decode("latin-1").split(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError(line)
        with contextlib.suppress(asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")  # a close with data unread would reset the target's
        return int(status)
    finally:
        writer.close()
        # At once: a target that is slow to close would keep the descriptor's number in the loop, and the next
        # check's socket has the same.
        writer.transport.abort()


@cache
def _unverified(protocol: str = "") -> ssl.SSLContext:
    """Return TLS without verification: load balancers do not verify their targets' certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocol:
        context.set_alpn_protocols([protocol])
    return context


def matches(matcher: str, status: int) -> bool:
    """Tell whether a status is one of a matcher's, such as ``200``, ``200,302`` or ``200-399``."""
    for part in matcher.split(","):
        low, _, high = part.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False
