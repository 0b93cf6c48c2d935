"""What the drivers say, against servers in memory that check it: no socket is opened."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from underpass.rotation import mysql, postgres
from underpass.rotation.line import DatabaseError, RefusedError
from underpass.rotation.postgres import Scram, verifier

CERTIFICATE = b"a certificate"


class ScramServer:
    """The other side of a login, which keeps what PostgreSQL keeps. https://www.rfc-editor.org/rfc/rfc5802"""

    def __init__(self, kept: str, certificate: bytes = b"") -> None:
        rounds, stored = kept.removeprefix("SCRAM-SHA-256$").split("$")
        self.rounds, self.salt = rounds.split(":")
        self.stored, self.server = map(b64decode, stored.split(":"))
        self.certificate = certificate

    def first(self, said: bytes) -> str:
        self.flag, _, self.bare = said.decode().rpartition("n=,")
        self.told = f"{self.bare}server,s={self.salt},i={self.rounds}"
        return self.told

    def final(self, said: bytes) -> str:
        without, _, proof = said.decode().rpartition(",p=")
        bound, nonce = without.split(",")
        data = hashlib.sha256(self.certificate).digest() if self.certificate else b""
        if b64decode(bound.removeprefix("c=")) != self.flag.encode() + data:
            raise PermissionError("channel binding")
        assert nonce == self.told.split(",")[0]
        whole = f"n=,{self.bare},{self.told},{without}".encode()
        signature = hmac.digest(self.stored, whole, "sha256")
        key = bytes(a ^ b for a, b in zip(b64decode(proof), signature, strict=True))
        if hashlib.sha256(key).digest() != self.stored:
            raise PermissionError("password")
        return "v=" + b64encode(hmac.digest(self.server, whole, "sha256")).decode()


def scram(password: str, *, seen: bytes = b"", own: bytes = b"", kept: str = "right") -> Scram:
    """Log in at a server with the certificate ``own``, having been shown ``seen``."""
    server, client = ScramServer(verifier(kept, b"salt" * 4), own), Scram(password, seen)
    client.check(server.final(client.final(server.first(client.first()))))
    return client


def test_both_sides_prove_that_they_know_the_password() -> None:
    assert scram("right").checked
    assert scram("right", seen=CERTIFICATE, own=CERTIFICATE).checked
    with pytest.raises(PermissionError, match="password"):
        scram("wrong")


def test_a_login_through_somebody_elses_tls_is_refused() -> None:
    with pytest.raises(PermissionError, match="channel binding"):
        scram("right", seen=b"another's", own=CERTIFICATE)


def test_without_the_offer_it_says_that_it_could_have_bound_the_login() -> None:
    assert Scram("p", b"").first().startswith(b"y,,")
    assert Scram("p", CERTIFICATE).first().startswith(b"p=tls-server-end-point,,")


def test_a_server_that_does_not_know_the_password_is_not_the_database() -> None:
    client = Scram("right", b"")
    server = ScramServer(verifier("right", b"salt" * 4))
    client.final(server.first(client.first()))
    with pytest.raises(DatabaseError, match="it is not the database"):
        client.check("v=" + b64encode(bytes(32)).decode())
    with pytest.raises(DatabaseError, match="somebody else's login"):
        client.final(f"r=other,s={server.salt},i=4096")


def test_what_is_kept_is_what_rfc_7677_computes() -> None:
    """Its example: password pencil, and the proofs the keys in it give."""
    salt = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    kept = verifier("pencil", salt)
    client_first, nonce = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    )
    server_first = f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    whole = f"{client_first},{server_first},c=biws,r={nonce}".encode()
    server_key = b64decode(kept.rpartition(":")[2])
    signature = b64encode(hmac.digest(server_key, whole, "sha256")).decode()
    assert signature == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class Tape:
    """A line on which a server's packets are there already; what the client sends is kept."""

    def __init__(self, *packets: bytes) -> None:
        self.coming = b"".join(packets)
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def read(self, length: int) -> bytes:
        if length > len(self.coming):
            raise ConnectionError
        found, self.coming = self.coming[:length], self.coming[length:]
        return found

    def encrypt(self) -> bytes:
        self.sent.append(b"TLS")
        return CERTIFICATE

    def close(self) -> None:
        self.sent.append(b"closed")


def packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


NONCE = b"abcdefgh" + b"ijklmnopqrst"


def greeting(
    version: str = "8.4.3", plugin: str = "caching_sha2_password", able: int = 0xFFFF
) -> bytes:
    """A server's first packet, HandshakeV10."""
    more = bytes(16 - 14 + 8)
    body = b"\x0a" + version.encode() + b"\0" + bytes(4) + NONCE[:8] + b"\0"
    body += able.to_bytes(2, "little") + b"\x2d" + bytes(2) + b"\xff\xdf" + bytes([21]) + more
    return packet(0, body + NONCE[8:] + b"\0" + plugin.encode() + b"\0")


OK = b"\0\0\0\2\0\0\0"


def log_in(monkeypatch: pytest.MonkeyPatch, *packets: bytes) -> tuple[mysql.Mysql, Tape]:
    tape = Tape(*packets)
    monkeypatch.setattr(mysql, "Line", lambda *_: tape)
    value = {"host": "h", "port": 3306, "username": "u", "password": "pw", "dbname": "my_app"}
    return mysql.Mysql(value), tape


def test_mysql_8_is_told_the_password_only_when_it_asks_and_only_after_the_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast = (greeting(), packet(3, b"\x01\x03"), packet(4, OK), packet(1, OK))
    _, tape = log_in(monkeypatch, *fast)
    assert not any(b"pw" in sent for sent in tape.sent)
    assert tape.sent[1] == b"TLS"
    assert len(tape.sent[0]) == 36  # SSLRequest
    once = hashlib.sha256(b"pw").digest()
    mixed = hashlib.sha256(hashlib.sha256(once).digest() + NONCE).digest()
    assert bytes(a ^ b for a, b in zip(once, mixed, strict=True)) in tape.sent[2]
    full = (greeting(), packet(3, b"\x01\x04"), packet(5, OK), packet(1, OK))
    _, tape = log_in(monkeypatch, *full)
    assert tape.sent[3] == packet(4, b"pw\0")
    assert tape.sent[4] == packet(0, b"\x03USE `my_app`")


def test_mysql_may_ask_for_another_plugin_but_not_for_the_clear_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    switch = packet(3, b"\xfemysql_native_password\0" + NONCE + b"\0")
    _, tape = log_in(monkeypatch, greeting(), switch, packet(5, OK), packet(1, OK))
    once = hashlib.sha1(b"pw").digest()
    mixed = hashlib.sha1(NONCE + hashlib.sha1(once).digest()).digest()
    proof = bytes(a ^ b for a, b in zip(once, mixed, strict=True))
    assert tape.sent[3] == packet(4, proof)
    with pytest.raises(DatabaseError, match="mysql_clear_password"):
        log_in(monkeypatch, greeting(), packet(3, b"\xfemysql_clear_password\0"))


def test_a_server_without_tls_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(greeting(able=0xFFFF & ~0x800))
    monkeypatch.setattr(mysql, "Line", lambda *_: tape)
    value = {"host": "h", "port": 1, "username": "u", "password": "pw", "dbname": "d"}
    with pytest.raises(DatabaseError, match="does not speak TLS"):
        mysql.Mysql(value)
    assert tape.sent == [b"closed"]
    tape = Tape(b"N")
    monkeypatch.setattr(postgres, "Line", lambda *_: tape)
    with pytest.raises(DatabaseError, match="does not speak TLS"):
        postgres.Postgres(value)
    assert tape.sent[-1] == b"closed"


@pytest.mark.parametrize("asked", [0, 3, 5])  # let in at once, clear text, MD5
def test_postgres_is_told_no_password_and_not_believed_without_proof(
    monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    tape = Tape(b"S", b"R" + (12).to_bytes(4, "big") + asked.to_bytes(4, "big") + b"salt")
    monkeypatch.setattr(postgres, "Line", lambda *_: tape)
    value = {"host": "h", "port": 1, "username": "u", "password": "pw", "dbname": "d"}
    with pytest.raises(DatabaseError, match="tells the password, or for none"):
        postgres.Postgres(value)
    assert not any(b"pw" in sent for sent in tape.sent)


def test_errors_are_of_three_kinds() -> None:
    for code, kind in ((1045, RefusedError), (1040, ConnectionError), (1064, DatabaseError)):
        error = mysql._error(b"\xff" + code.to_bytes(2, "little") + b"#28000said")
        assert type(error) is kind
    for state, kind in (
        ("28P01", RefusedError),
        ("57P03", ConnectionError),
        ("42601", DatabaseError),
    ):
        error = postgres._error(f"SFATAL\0C{state}\0Msaid\0\0".encode())
        assert type(error) is kind
        assert str(error) == f"{state} said"


def test_names_and_texts_are_quoted() -> None:
    assert postgres._name('a"b') == '"a""b"'
    assert postgres._text("a'b") == "'a''b'"
    assert mysql._text("a'b\\") == "'a''b\\\\'"


def test_what_mysql_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [packet(1, OK)] * 4
    for version, kept in (("8.4.3", "'se''cret'"), ("5.5.5-11.4.2-MariaDB-log", "PASSWORD '*")):
        session, tape = log_in(
            monkeypatch, greeting(version), packet(3, b"\x01\x03"), packet(4, OK), *answers
        )
        del tape.sent[:]
        session.make({"username": "application_a", "password": "se'cret", "dbname": "my_app"})
        made, changed, granted = (sent[5:].decode() for sent in tape.sent)
        assert made.startswith(
            "CREATE USER IF NOT EXISTS 'application_a'@'%' IDENTIFIED BY " + kept
        )
        assert changed.startswith("ALTER USER 'application_a'@'%' IDENTIFIED BY " + kept)
        assert made.endswith(" REQUIRE SSL")
        assert granted == r"GRANT ALL PRIVILEGES ON `my\_app`.* TO 'application_a'@'%'"


def test_an_error_of_a_statement_with_a_password_says_no_word_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = packet(1, b"\xff" + (1819).to_bytes(2, "little") + b"#HY000near 'se''cret'")
    session, _ = log_in(
        monkeypatch, greeting(), packet(3, b"\x01\x03"), packet(4, OK), packet(1, OK), refused
    )
    with pytest.raises(DatabaseError) as caught:
        session.make({"username": "a", "password": "se'cret", "dbname": "d"})
    assert str(caught.value) == "1819"
