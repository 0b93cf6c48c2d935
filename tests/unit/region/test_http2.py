"""A question in HTTP/2, and its answer, in whatever pieces and codings it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.region import hpack, http2
from underpass.twin.region.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GO_AWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    SETTINGS,
    Answer,
    frame,
)

# RFC 7541, C.6.1: three fields that are remembered, then one more; ":status: 302" in the Huffman code
FOUND = bytes.fromhex(
    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff"
    "6e919d29ad171863c78f0b97c8e9ae82ae43d3"
)
AGAIN = bytes.fromhex("4883640effc1c0bf")  # C.6.2: ":status: 307", the rest by reference


def answered(*frames: bytes) -> Answer:
    answer = Answer()
    for one in frames:
        answer.feed(one)
    return answer


def test_statuses_are_read_in_the_ways_of_the_standards_own_examples() -> None:
    reader = hpack.Reader()
    assert reader.statuses(FOUND) == {":status": 302}
    assert reader.statuses(AGAIN) == {":status": 307}
    assert reader.statuses(bytes([0x88])) == {":status": 200}
    assert reader.statuses(bytes([0x8D])) == {":status": 404}
    assert reader.statuses(bytes([0x20, 0x48, 3]) + b"503") == {":status": 503}


@pytest.mark.parametrize("number", range(100))
def test_grpcs_status_is_read_plain_and_coded(number: int) -> None:
    assert hpack.Reader().statuses(hpack.block({"grpc-status": str(number)})) == {
        "grpc-status": number
    }
    name = bytes.fromhex("9acac8b21234da8f")  # grpc-status, in the Huffman code
    codes = {**{n: f"{n:05b}" for n in range(3)}, **{n: f"{n + 22:06b}" for n in range(3, 10)}}
    bits = "".join(codes[int(digit)] for digit in str(number))
    bits += "1" * (-len(bits) % 8)
    value = int(bits, 2).to_bytes(len(bits) // 8, "big")
    block = b"\x40" + bytes([0x80 | len(name)]) + name + bytes([0x80 | len(value)]) + value
    reader = hpack.Reader()
    assert reader.statuses(block) == {"grpc-status": number}
    assert reader.statuses(bytes([0x80 | 62])) == {"grpc-status": number}  # as it was before


@given(st.text(st.characters(codec="latin-1"), max_size=400))
def test_what_is_written_is_read_whatever_stands_before_it(text: str) -> None:
    fields = {"x-before": text, ":status": "201"}
    assert hpack.Reader().statuses(hpack.block(fields)) == {":status": 201}


@pytest.mark.parametrize("broken", [b"\x48", b"\xff\x80", bytes([0x80 | 63]), b"\x48\x01x"])
def test_what_is_no_header_block_is_told(broken: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any: the check fails
        hpack.Reader().statuses(broken)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40))
def test_an_answer_may_come_in_any_pieces(sizes: list[int]) -> None:
    whole = (
        frame(SETTINGS, 0, 0)
        + frame(HEADERS, PADDED | PRIORITY, 1, b"\2" + bytes(5) + FOUND[:3] + bytes(2))
        + frame(CONTINUATION, END_HEADERS, 1, FOUND[3:])
        + frame(DATA, PADDED, 1, b"\1text\0")
        + frame(HEADERS, END_HEADERS | END_STREAM, 1, hpack.block({"grpc-status": "5"}))
    )
    answer, at = Answer(), 0
    for size in [*sizes, len(whole)]:
        answer.feed(whole[at : at + size])
        at += size
    assert (answer.status, answer.grpc_status, answer.body) == (302, 5, b"text")
    assert answer.ended


def test_settings_pings_and_data_are_acknowledged() -> None:
    answer = Answer()
    assert answer.feed(frame(SETTINGS, 0, 0, bytes(6))) == frame(SETTINGS, 1, 0)
    assert answer.feed(frame(SETTINGS, 1, 0)) == b""
    assert answer.feed(frame(PING, 0, 0, b"12345678")) == frame(PING, 1, 0, b"12345678")
    said = answer.feed(frame(DATA, 0, 1, b"abc"))
    assert said.count(bytes([0, 0, 0, 3])) == 2  # of the connection and of the stream


def test_http_1_and_an_answer_that_breaks_off_are_no_answers() -> None:
    with pytest.raises(ValueError, match="not HTTP/2"):
        answered(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ValueError, match="breaks off"):
        answered(frame(GO_AWAY, 0, 0, bytes(8)))


def test_a_question_is_whole_at_once() -> None:
    asked = http2.request("/up", "10.0.0.1:80", "agent", secure=False)
    assert asked.startswith(PREFACE + frame(SETTINGS, 0, 0))
    head = asked[len(PREFACE) + 9 :]
    assert (head[3], head[4]) == (HEADERS, END_HEADERS | END_STREAM)
    called = http2.request("/a.B/C", "h", "agent", secure=True, grpc=True)
    assert called.endswith(frame(DATA, END_STREAM, 1, bytes(5)))
    for part in (b"POST", b"https", b"application/grpc", b"trailers"):
        assert part in called
