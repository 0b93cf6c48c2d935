"""What the TLS in front of a database says and understands, without a connection."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.rds import tls

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def packet(code: int, body: bytes = b"") -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + code.to_bytes(4, "big") + body


def first(*chunks: bytes) -> bytes:
    async def read() -> bytes:
        reader = asyncio.StreamReader()
        for chunk in chunks:
            reader.feed_data(chunk)
        reader.feed_eof()
        return await tls._first(reader)

    return asyncio.run(read())


@given(WORDS, WORDS)
def test_who_comes_without_tls_is_told_as_rds_tells_it(user: str, database: str) -> None:
    body = f"user\0{user}\0database\0{database}\0\0".encode()
    assert tls.unencrypted("10.20.64.6", packet(196608, body)) == (
        f'no pg_hba.conf entry for host "10.20.64.6", user "{user}", database "{database}", no encryption'
    )


def test_the_database_is_called_as_the_user_unless_said_otherwise() -> None:
    told = tls.unencrypted("10.0.0.1", packet(196608, b"user\0app\0\0"))
    assert 'user "app", database "app"' in told


def test_an_error_is_a_message_of_the_protocol() -> None:
    said = tls.error("28000", "no")
    assert said[:1] == b"E"
    assert int.from_bytes(said[1:5], "big") == len(said) - 1
    assert said[5:] == b"SFATAL\0VFATAL\0C28000\0Mno\0\0"


def test_the_first_packet_is_read_to_its_end_and_no_further() -> None:
    whole = packet(196608, b"user\0app\0\0")
    assert first(whole[:3], whole[3:9], whole[9:], b"more") == whole


@pytest.mark.parametrize("length", [0, 7, 10_001, 2**32 - 1])
def test_what_cannot_be_a_first_packet_is_not_waited_for(length: int) -> None:
    with pytest.raises(ValueError, match="no startup packet"):
        first(length.to_bytes(4, "big") + b"\0" * 4)


def test_a_client_that_leaves_is_an_end() -> None:
    with pytest.raises(EOFError):
        first(packet(196608, b"user")[:-1])
