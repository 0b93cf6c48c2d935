"""As much of HTTP/2 as asks one question, bytes out and bytes in.

https://www.rfc-editor.org/rfc/rfc9113
"""

from __future__ import annotations

import struct

from underpass.twin.region import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GO_AWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
ACK = END_STREAM = 1
END_HEADERS, PADDED, PRIORITY = 4, 8, 32
HEAD = 9  # bytes before a frame's payload
LARGEST = 1 << 14  # payload, unless the other side allows more


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def request(path: str, host: str, agent: str, *, secure: bool, grpc: bool = False) -> bytes:
    """Return all that a client sends to ask for a path or, with ``grpc``, to call it with no message."""
    fields = {
        ":method": "POST" if grpc else "GET",
        ":scheme": "https" if secure else "http",
        ":path": path,
        ":authority": host,
        "user-agent": agent,
    }
    fields |= {"content-type": "application/grpc", "te": "trailers"} if grpc else {}
    flags = END_HEADERS if grpc else END_HEADERS | END_STREAM
    asked = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, flags, 1, hpack.block(fields))
    return asked + (frame(DATA, END_STREAM, 1, bytes(5)) if grpc else b"")


class Answer:
    """What comes back.

    Attributes
    ----------
    status
        HTTP's; 0 until it is known.
    grpc_status
        gRPC's; None until it is known.
    body
        The data so far.
    ended
        Whether it is whole.
    """

    def __init__(self) -> None:
        self.status = 0
        self.grpc_status: int | None = None
        self.body = b""
        self.ended = False
        self._rest = b""
        self._block = b""
        self._reader = hpack.Reader()

    def feed(self, data: bytes) -> bytes:
        """Take what came, and return what to send for it.

        Raises
        ------
        ValueError
            When it is not HTTP/2, or breaks off.
        """
        self._rest += data
        reply = b""
        while len(self._rest) >= HEAD:
            size = int.from_bytes(self._rest[:3], "big")
            if size > LARGEST:
                raise ValueError("this is not HTTP/2")
            if len(self._rest) < HEAD + size:
                break
            kind, flags, payload = self._rest[3], self._rest[4], self._rest[HEAD : HEAD + size]
            self._rest = self._rest[HEAD + size :]
            reply += self._take(kind, flags, payload)
        return reply

    def _take(self, kind: int, flags: int, payload: bytes) -> bytes:
        if kind in (RESET, GO_AWAY) and not self.ended:
            raise ValueError("the answer breaks off")
        if kind in (SETTINGS, PING) and not flags & ACK:
            return frame(kind, ACK, 0, payload if kind == PING else b"")
        if kind == DATA:
            self.body += _unpadded(flags, payload)
            self.ended = bool(flags & END_STREAM)
            more = struct.pack(">I", len(payload))
            return frame(WINDOW, 0, 0, more) + frame(WINDOW, 0, 1, more) if payload else b""
        if kind == HEADERS:
            self.ended = bool(flags & END_STREAM)
            payload = _unpadded(flags, payload)[5 if flags & PRIORITY else 0 :]
        if kind in (HEADERS, CONTINUATION):
            self._block += payload
            if flags & END_HEADERS:
                found, self._block = self._reader.statuses(self._block), b""
                self.status = found.get(hpack.STATUS, self.status)
                self.grpc_status = found.get(hpack.GRPC_STATUS, self.grpc_status)
        return b""


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
