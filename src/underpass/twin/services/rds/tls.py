"""TLS in front of a PostgreSQL that was built without it; run by path, where the database's interface is.

As PostgreSQL does on its one port: a client that asks for TLS gets it, and with ``required`` (RDS's
``rds.force_ssl``) one that does not is refused in PostgreSQL's words. What follows is passed on as it is.
``python tls.py '{"address", "port", "server", "chain", "key", "required"}'`` writes a line when it listens.
Imports only the standard library.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from dataclasses import dataclass
from typing import Any

WANTS_TLS, WANTS_GSS, CANCELS = 80877103, 80877104, 80877102
LONGEST_PACKET = 10_000  # bytes, as PostgreSQL has it for the first one
FIRST_WORDS_S = 60.0  # PostgreSQL's authentication_timeout
CHUNK = 1 << 16


@dataclass(frozen=True)
class Front:
    """The listener: where the server is, how to speak TLS, and whether everybody must."""

    address: str
    port: int
    server: str
    context: ssl.SSLContext
    required: bool

    async def run(self) -> None:
        """Listen, say so, and serve until the process ends."""
        listening = await asyncio.start_server(self._serve, self.address, self.port)
        print(f"listening on {self.address}:{self.port}", flush=True)  # noqa: T201  its answer
        await listening.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(FIRST_WORDS_S):
                server = await self._introduced(reader, writer)
            if server:
                await _pass_on(reader, writer, *server)
        except (OSError, EOFError, ValueError, ssl.SSLError):
            pass  # the client went, or speaks something else
        finally:
            writer.close()

    async def _introduced(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return a connection to the server that has the client's first words; None when refused."""
        encrypted = False
        packet = await _first(reader)
        while (code := _code(packet)) in {WANTS_TLS, WANTS_GSS}:
            granted = code == WANTS_TLS and not encrypted
            writer.write(b"S" if granted else b"N")
            await writer.drain()
            if granted:
                await writer.start_tls(self.context)
                encrypted = True
            packet = await _first(reader)
        if self.required and not encrypted and code != CANCELS:
            host = writer.get_extra_info("peername")[0]
            writer.write(error("28000", unencrypted(host, packet)))
            await writer.drain()
            return None
        try:
            server = await asyncio.open_connection(self.server, self.port)
        except OSError:
            writer.write(error("57P03", "the database system is starting up"))
            await writer.drain()
            return None
        server[1].write(packet)
        return server


def error(code: str, message: str) -> bytes:
    """Return PostgreSQL's message of a fatal error.

    https://www.postgresql.org/docs/current/protocol-error-fields.html
    """
    fields = "".join(
        f"{name}{value}\0"
        for name, value in (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", message))
    )
    body = f"{fields}\0".encode()
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


def unencrypted(host: str, packet: bytes) -> str:
    """Return what RDS tells a client that does not use TLS; ``packet`` is its startup message."""
    words = packet[8:].decode(errors="replace").split("\0")
    about = dict(zip(words[::2], words[1::2], strict=False))
    user = about.get("user", "")
    database = about.get("database", user)
    return f'no pg_hba.conf entry for host "{host}", user "{user}", database "{database}", no encryption'


async def _first(reader: asyncio.StreamReader) -> bytes:
    """Return one of the packets that come before all others: their length, a code, and the rest."""
    head = await reader.readexactly(8)
    length = int.from_bytes(head[:4], "big")
    if not len(head) <= length <= LONGEST_PACKET:
        raise ValueError(f"{length} bytes are no startup packet")
    return head + await reader.readexactly(length - len(head))


def _code(packet: bytes) -> int:
    return int.from_bytes(packet[4:8], "big")


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    server_reader: asyncio.StreamReader,
    server_writer: asyncio.StreamWriter,
) -> None:
    """Pass everything on, both ways, until one side ends."""
    ways = [
        asyncio.create_task(_copy(reader, server_writer)),
        asyncio.create_task(_copy(server_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        server_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


def main(asked: dict[str, Any]) -> None:
    """Serve as ``asked``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(asked["chain"], asked["key"])
    front = Front(asked["address"], asked["port"], asked["server"], context, asked["required"])
    asyncio.run(front.run())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
