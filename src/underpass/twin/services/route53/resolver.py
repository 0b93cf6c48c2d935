"""Each VPC's resolver: DNS over UDP and TCP in the VPC's router, all of them in one thread.

The sockets live in the routers' namespaces, so which socket heard a question says which VPC asks.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterable
from functools import partial
from typing import Any

from underpass.twin.region.aws_hosts import API_DOMAIN
from underpass.twin.region.dns_records import Names
from underpass.twin.region.worker import Worker

TTL_S = 5
_MOST_ADDRESSES = 8  # as many as AWS gives in one answer
_WITHOUT_LIMIT = 65535
_PLAIN_UDP = 512  # bytes of a UDP answer, unless the question allows for more
_IDLE_S = 10.0


class Resolver:
    """Answers the questions of every VPC.

    Parameters
    ----------
    names
        Where the answers come from.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._open: dict[str, list[asyncio.DatagramTransport | asyncio.Server]] = {}
        self._loop = asyncio.new_event_loop()
        stop = partial(self._loop.call_soon_threadsafe, self._loop.stop)
        self._worker = Worker("resolver", self._loop.run_forever, stop)

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def stop(self) -> None:
        """Close every socket and end the thread."""
        for vpc_id in tuple(self._open):
            self.cease(vpc_id)
        self._worker.stop()

    def serve(self, vpc_id: str, sockets: Iterable[socket.socket]) -> None:
        """Answer on these bound UDP and TCP sockets as the VPC's resolver."""
        asyncio.run_coroutine_threadsafe(self._serve(vpc_id, sockets), self._loop).result()

    def cease(self, vpc_id: str) -> None:
        """Close the VPC's sockets."""

        async def close() -> None:
            for transport in self._open.pop(vpc_id, ()):
                transport.close()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result()

    async def _serve(self, vpc_id: str, sockets: Iterable[socket.socket]) -> None:
        opened = self._open.setdefault(vpc_id, [])
        for bound in sockets:
            bound.setblocking(False)
            if bound.type == socket.SOCK_DGRAM:
                heard = await self._loop.create_datagram_endpoint(
                    lambda: _Datagrams(self._names, vpc_id), sock=bound
                )
                opened.append(heard[0])
            else:
                opened.append(
                    await asyncio.start_server(
                        lambda reader, writer: self._converse(vpc_id, reader, writer), sock=bound
                    )
                )

    async def _converse(
        self, vpc_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the questions of one TCP connection, each led by its length."""
        try:
            async with asyncio.timeout(_IDLE_S):
                while True:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    said = reply(self._names, vpc_id, await reader.readexactly(length), 65535)
                    if said is None:
                        return
                    writer.write(len(said).to_bytes(2, "big") + said)
                    await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            return
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, names: Names, vpc_id: str) -> None:
        self._names = names
        self._vpc_id = vpc_id
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        said = reply(self._names, self._vpc_id, data, _PLAIN_UDP)
        if said is not None and self._transport is not None:
            self._transport.sendto(said, addr)


def reply(names: Names, vpc_id: str, question: bytes, limit: int) -> bytes | None:
    """Return the answer to a DNS message, at most ``limit`` bytes; None when it is not a question.

    A question that says it takes more (EDNS) gets more; an answer that is still too long says that it
    was cut, and is asked again over TCP.
    """
    import dnslib

    try:
        asked = dnslib.DNSRecord.parse(question)
    except Exception:  # noqa: BLE001  whatever dnslib stumbles over was not DNS
        return None
    if asked.header.qr or not asked.questions:
        return None
    said = asked.reply(ra=1, aa=0)
    if asked.header.opcode or asked.q.qclass not in {dnslib.CLASS.IN, 255}:
        said.header.rcode = dnslib.RCODE.NOTIMP
        return bytes(said.pack())
    _fill(said, names, vpc_id, str(asked.q.qname), asked.q.qtype)
    edns = next((record for record in asked.ar if record.rtype == dnslib.QTYPE.OPT), None)
    if edns is not None:
        limit = max(limit, min(edns.edns_len, 4096))
        said.add_ar(dnslib.EDNS0(udp_len=4096))
    packed = said.pack()
    if len(packed) > limit:
        said.header.tc, said.rr = (
            1,
            [],
        )  # with the question, or resolvers take it for somebody else's answer
        packed = said.pack()
    return bytes(packed)


def _fill(said: Any, names: Names, vpc_id: str, name: str, kind: int) -> None:
    import dnslib

    answer = names.answer(vpc_id, name)
    if not answer.exists:
        said.header.rcode = dnslib.RCODE.NXDOMAIN
        return
    for alias, target in answer.chain:
        said.add_answer(dnslib.RR(alias, dnslib.QTYPE.CNAME, ttl=TTL_S, rdata=dnslib.CNAME(target)))
    if kind in {dnslib.QTYPE.A, dnslib.QTYPE.ANY}:
        count = min(len(answer.addresses), _most_addresses(answer.owner))
        for address in random.sample(answer.addresses, count):
            said.add_answer(dnslib.RR(answer.owner, ttl=TTL_S, rdata=dnslib.A(address)))


def _most_addresses(name: str) -> int:
    """Return how many addresses an answer for a name may have: ``all.`` of a load balancer gives them all.

    https://github.com/aws/elastic-load-balancing-tools
    """
    whole = name.startswith("all.") and ".elb." in name and name.endswith(f".{API_DOMAIN}")
    return _WITHOUT_LIMIT if whole else _MOST_ADDRESSES
