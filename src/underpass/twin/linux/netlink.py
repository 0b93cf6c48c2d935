"""Netlink: attributes in messages, messages in one write, the kernel's answers to it.

The kernel does what a write asks for before the write returns, one message after another, so a batch needs
two system calls and never waits. Written against ``linux/netlink.h``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

REQUEST, ACK, REPLACE, EXCLUSIVE, CREATE, APPEND = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
_ERROR = 2
_NESTED = 0x8000


def message(kind: int, flags: int, number: int, body: bytes) -> bytes:
    """Return a request; ``number`` is what its answer says it is an answer to."""
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, number, 0) + body


def attribute(kind: int, payload: bytes) -> bytes:
    """Return an attribute, filled up to four bytes."""
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nest(kind: int, body: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | _NESTED, body)


def text(kind: int, value: str) -> bytes:
    """Return an attribute that holds a string."""
    return attribute(kind, value.encode() + b"\0")


def answers(netlink: socket.socket, last: int) -> Iterator[tuple[int, int]]:
    """Yield (number of a message, errno or 0), up to the last, which alone asked for an answer."""
    while True:
        data = netlink.recv(1 << 18, socket.MSG_DONTWAIT)
        while len(data) >= 20:
            length, kind, _, number, _, error = struct.unpack_from("=IHHIIi", data)
            if kind == _ERROR:
                yield number, -error
                if number == last:
                    return
            data = data[(length + 3) & ~3 :]
