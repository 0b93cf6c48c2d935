"""PostgreSQL as far as its users go: the protocol's third version, TLS, and SCRAM bound to the TLS.

https://www.postgresql.org/docs/current/protocol.html
https://www.postgresql.org/docs/current/sasl-authentication.html
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from underpass.rotation.line import DatabaseError, Line, RefusedError

OWNER = "application"  # has the database, and all in it; nobody logs in as this one
MADE_BY_ADMINISTRATOR = """SELECT 1 FROM pg_class WHERE relkind IN ('r', 'p')
 AND relowner = quote_ident(current_user)::regrole LIMIT 1"""
OTHER_DATABASES = """SELECT datname FROM pg_database WHERE datdba = 'application'::regrole
 AND datname <> current_database()"""
MEMBERS = """SELECT member::regrole::text FROM pg_auth_members
 WHERE roleid = 'application'::regrole
 AND member::regrole::text IN ('application_a', 'application_b')"""
ROUNDS = 4096  # PostgreSQL's own default
SCRAM = "SCRAM-SHA-256"
BOUND = f"{SCRAM}-PLUS"
NOT_LET_IN = ("28P01", "28000")
LATER = ("53300", "57P01", "57P02", "57P03")  # too many connections; it is going down, or coming up


class Postgres:
    """A session: ``value`` is that of a secret."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.line = Line(value["host"], int(value["port"]))
        try:
            certificate = self._encrypted()
            named = {
                "user": value["username"],
                "database": value["dbname"],
                "client_encoding": "UTF8",
                "options": "-c lock_timeout=20s -c standard_conforming_strings=on",
            }
            words = "".join(f"{name}\0{told}\0" for name, told in named.items()) + "\0"
            self._send(b"", struct.pack("!i", 196608) + words.encode())
            self._log_in(value["password"], certificate)
        except BaseException:
            self.close()
            raise

    def make(self, value: Mapping[str, Any]) -> None:
        """Have the application's user as ``value`` says, and all that is the application's its owner's."""
        user, owner = _name(value["username"]), _name(OWNER)
        if not self._has_role(OWNER):
            self.ask(f"CREATE ROLE {owner} NOLOGIN")
        self.ask(f"GRANT {owner} TO CURRENT_USER")  # or it could not give to it what it has
        self.ask(f"ALTER DATABASE {_name(value['dbname'])} OWNER TO {owner}")
        if not self._has_role(value["username"]):
            self.ask(f"CREATE ROLE {user} LOGIN")
        self.ask(f"GRANT {owner} TO {user}")
        self.ask(f"ALTER ROLE {user} SET role = {owner}")
        self._set_password(value)
        # What was made before, by the administrator or by a session that had left its role.
        if self.ask(MADE_BY_ADMINISTRATOR):
            self.ask(f"REASSIGN OWNED BY CURRENT_USER TO {owner}")
            for (name,) in self.ask(OTHER_DATABASES):
                self.ask(f"ALTER DATABASE {_name(name)} OWNER TO CURRENT_USER")
        for (one,) in self.ask(MEMBERS):
            self.ask(f"GRANT {one} TO CURRENT_USER")
            self.ask(f"REASSIGN OWNED BY {one} TO {owner}")

    def change(self, value: Mapping[str, Any]) -> None:
        """Change the password of the user who is logged in."""
        self._set_password(value)

    def close(self) -> None:
        """End the session."""
        self.line.close()

    def ask(self, sql: str, *, told: bool = True) -> list[list[str]]:
        """Return the rows a statement gives; if it is not to be ``told``, an error says none of it."""
        self._send(b"Q", sql.encode() + b"\0")
        rows: list[list[str]] = []
        failed: Exception | None = None
        while True:
            kind, body = self._message()
            if kind == b"Z":
                if failed:
                    raise failed
                return rows
            if kind == b"E":
                failed = _error(body) if told else DatabaseError(_fields(body).get("C", ""))
            if kind == b"D":
                rows.append(_row(body))

    def _has_role(self, name: str) -> bool:
        sql = f"SELECT 1 FROM pg_roles WHERE rolname = {_text(name)}"  # noqa: S608  it is quoted
        return bool(self.ask(sql))

    def _set_password(self, value: Mapping[str, Any]) -> None:
        # As the server would keep it: nothing that is logged anywhere opens the database.
        kept = verifier(value["password"], secrets.token_bytes(16))
        self.ask(f"ALTER ROLE {_name(value['username'])} PASSWORD {_text(kept)}", told=False)

    def _encrypted(self) -> bytes:
        self.line.send(struct.pack("!ii", 8, 80877103))
        if self.line.read(1) != b"S":
            raise DatabaseError("it does not speak TLS")
        return self.line.encrypt()

    def _log_in(self, password: str, certificate: bytes) -> None:
        proof: Scram | None = None
        while True:
            kind, body = self._message()
            if kind == b"E":
                raise _error(body)
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            asked, rest = int.from_bytes(body[:4], "big"), body[4:]
            if asked == 10:
                offered = rest.decode().split("\0")
                if SCRAM not in offered and BOUND not in offered:
                    raise DatabaseError(f"it asks for {offered[0]}, not for {SCRAM}")
                proof = Scram(password, certificate if BOUND in offered else b"")
                first = proof.first()
                name = (BOUND if BOUND in offered else SCRAM).encode()
                self._send(b"p", name + b"\0" + struct.pack("!i", len(first)) + first)
            elif asked == 11 and proof:
                self._send(b"p", proof.final(rest.decode()))
            elif asked == 12 and proof:
                proof.check(rest.decode())
            elif asked or not (proof and proof.checked):
                raise DatabaseError("it asks for a login that tells the password, or for none")

    def _send(self, kind: bytes, body: bytes) -> None:
        self.line.send(kind + struct.pack("!i", len(body) + 4) + body)

    def _message(self) -> tuple[bytes, bytes]:
        head = self.line.read(5)
        return head[:1], self.line.read(int.from_bytes(head[1:], "big") - 4)


class Scram:
    """A login in which both sides prove that they know the password, and neither tells it.

    With a ``certificate`` the proof is good for this TLS connection only (channel binding). Without one it
    says that it could have been, which a server that offers it takes for an attack.
    https://www.rfc-editor.org/rfc/rfc5802
    """

    def __init__(self, password: str, certificate: bytes, nonce: str = "") -> None:
        self.password = password.encode()
        self.bound = _fingerprint(certificate) if certificate else b""
        self.flag = b"p=tls-server-end-point,," if certificate else b"y,,"
        self.start = f"n=,r={nonce or secrets.token_urlsafe(18)}"
        self.signature = b""
        self.checked = False

    def first(self) -> bytes:
        """Return the client's first words."""
        return self.flag + self.start.encode()

    def final(self, told: str) -> bytes:
        """Return the proof, of what the server told."""
        fields = dict(part.split("=", 1) for part in told.split(","))
        if not fields["r"].startswith(self.start[5:]):
            raise DatabaseError("it answers somebody else's login")
        said = f"c={b64encode(self.flag + self.bound).decode()},r={fields['r']}"
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password, b64decode(fields["s"]), int(fields["i"])
        )
        whole = f"{self.start},{told},{said}".encode()
        key = _hmac(salted, b"Client Key")
        proof = _xor(key, _hmac(hashlib.sha256(key).digest(), whole))
        self.signature = _hmac(_hmac(salted, b"Server Key"), whole)
        return f"{said},p={b64encode(proof).decode()}".encode()

    def check(self, told: str) -> None:
        """Raise unless the server knows the password."""
        if not hmac.compare_digest(told, f"v={b64encode(self.signature).decode()}"):
            raise DatabaseError("it does not know the password: it is not the database")
        self.checked = True


def verifier(password: str, salt: bytes) -> str:
    """Return what PostgreSQL keeps of a password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
    parts = [b64encode(one).decode() for one in (salt, stored, _hmac(salted, b"Server Key"))]
    return f"{SCRAM}${ROUNDS}:{parts[0]}${parts[1]}:{parts[2]}"


def _fingerprint(certificate: bytes) -> bytes:
    # By the hash of its signature: of RDS's authorities RSA 4096 and ECC use SHA-384.
    longer = bytes.fromhex("2a864886f70d01010c"), bytes.fromhex("2a8648ce3d040303")
    sha384 = any(one in certificate for one in longer)
    return hashlib.new("sha384" if sha384 else "sha256", certificate).digest()


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _row(body: bytes) -> list[str]:
    found, at = [], 2
    for _ in range(int.from_bytes(body[:2], "big")):
        length = max(0, int.from_bytes(body[at : at + 4], "big", signed=True))
        found.append(body[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return found


def _fields(body: bytes) -> dict[str, str]:
    return {part[:1]: part[1:] for part in body.decode(errors="replace").split("\0") if part}


def _error(body: bytes) -> Exception:
    fields = _fields(body)
    code = fields.get("C", "")
    kind = (
        RefusedError if code in NOT_LET_IN else ConnectionError if code in LATER else DatabaseError
    )
    return kind(f"{code} {fields.get('M', '')}")


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
