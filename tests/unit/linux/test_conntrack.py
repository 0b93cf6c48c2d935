"""The kernel's words about flows, read by their layout."""

from __future__ import annotations

import socket
import struct

from underpass.twin.linux.conntrack import Flow, flow_of


def _attribute(kind: int, content: bytes, nested: bool = False) -> bytes:
    return struct.pack("=HH", len(content) + 4, kind | (0x8000 if nested else 0)) + content


def _tuple(
    kind: int, source: str, port: int, target: str, target_port: int, protocol: int
) -> bytes:
    addresses = _attribute(1, socket.inet_aton(source)) + _attribute(2, socket.inet_aton(target))
    ports = (
        _attribute(1, bytes([protocol]))
        + b"\0" * 3
        + _attribute(2, port.to_bytes(2, "big"))
        + b"\0" * 2
        + _attribute(3, target_port.to_bytes(2, "big"))
        + b"\0" * 2
    )
    return _attribute(kind, _attribute(1, addresses, True) + _attribute(2, ports, True), True)


def _message(status: int, protocol: int = socket.IPPROTO_TCP) -> tuple[bytes, bytes]:
    original = _tuple(1, "169.254.100.1", 40000, "169.254.100.2", 80, protocol)
    reply = _tuple(2, "10.20.64.7", 8080, "10.20.64.5", 40000, protocol)
    return original, original + reply + _attribute(3, status.to_bytes(4, "big"))


def test_a_flow_is_known_by_where_its_answers_come_from() -> None:
    original, message = _message(status=0b1110)
    assert flow_of(message) == Flow(("10.20.64.7", 8080), True, original)


def test_a_flow_nobody_answered_is_told_apart() -> None:
    flow = flow_of(_message(status=0b1000)[1])
    assert flow is not None
    assert not flow.answered


def test_what_is_not_tcp_is_left_alone() -> None:
    assert flow_of(_message(0, socket.IPPROTO_UDP)[1]) is None


def test_a_connection_is_open_until_one_side_closes_it() -> None:
    for state, is_open in ((1, False), (3, True), (4, False), (7, False)):
        tcp = _attribute(1, _attribute(1, bytes([state])) + b"\0" * 3, nested=True)
        message = _message(status=0b1110)[1] + _attribute(4, tcp, nested=True)
        flow = flow_of(message)
        assert flow is not None
        assert flow.open == is_open
