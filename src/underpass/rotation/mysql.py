"""MySQL and MariaDB as far as their users go: the client/server protocol, over TLS.

https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
https://mariadb.com/kb/en/clientserver-protocol/
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any

from underpass.rotation.line import DatabaseError, Line, RefusedError

# LONG_PASSWORD, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
ABLE = 0x1 | 0x200 | 0x800 | 0x2000 | 0x8000 | 0x80000
SSL = 0x800
UTF8MB4 = 45
NATIVE, SHA2 = "mysql_native_password", "caching_sha2_password"
NOT_LET_IN = (1044, 1045)
LATER = (1040, 1053, 1203)  # too many connections; it is going down


class Mysql:
    """A session: ``value`` is that of a secret."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.line = Line(value["host"], int(value["port"]))
        self.number = 0
        try:
            self._log_in(value["username"], value["password"].encode())
            self.ask("USE `" + value["dbname"].replace("`", "``") + "`")
        except BaseException:
            self.close()
            raise

    def make(self, value: Mapping[str, Any]) -> None:
        """Have the application's user as ``value`` says, with all rights in its database."""
        self.ask(f"CREATE USER IF NOT EXISTS {self._identified(value)} REQUIRE SSL", told=False)
        self.ask(f"ALTER USER {self._identified(value)} REQUIRE SSL", told=False)
        # In a grant these two stand for any character, and any number of them.
        database = value["dbname"].replace("`", "``").replace("_", r"\_").replace("%", r"\%")
        self.ask(f"GRANT ALL PRIVILEGES ON `{database}`.* TO {_user(value)}")

    def change(self, value: Mapping[str, Any]) -> None:
        """Change the password of the user who is logged in."""
        self.ask(f"ALTER USER {self._identified(value)}", told=False)

    def close(self) -> None:
        """End the session."""
        self.line.close()

    def ask(self, sql: str, *, told: bool = True) -> None:
        """Have a statement done that gives no rows; if it is not to be ``told``, an error says none of it."""
        self.number = 0
        self._send(b"\x03" + sql.encode())
        answer = self._packet()
        if answer[:1] == b"\xff":
            raise _error(answer) if told else DatabaseError(str(_code(answer)))

    def _identified(self, value: Mapping[str, Any]) -> str:
        # MariaDB is given what it keeps. MySQL hides a password from every log of its own.
        # https://dev.mysql.com/doc/refman/8.4/en/password-logging.html
        password = value["password"]
        if self.is_mariadb:
            kept = "*" + _sha1(_sha1(password.encode())).hex().upper()
            return f"{_user(value)} IDENTIFIED BY PASSWORD {_text(kept)}"
        return f"{_user(value)} IDENTIFIED BY {_text(password)}"

    def _log_in(self, user: str, password: bytes) -> None:
        plugin, nonce = self._greeted()
        head = struct.pack("<IIB23x", ABLE, 1 << 24, UTF8MB4)
        self._send(head)
        self.line.encrypt()
        proof = _proof(plugin, password, nonce)
        words = user.encode() + b"\0" + bytes([len(proof)]) + proof + plugin.encode() + b"\0"
        self._send(head + words)
        while True:
            answer = self._packet()
            kind, rest = answer[:1], answer[1:]
            if kind == b"\0":
                return
            if kind == b"\xff":
                raise _error(answer)
            if kind == b"\xfe":
                name, _, nonce = rest.partition(b"\0")
                plugin = name.decode()
                self._send(_proof(plugin, password, nonce[:20]))
            elif plugin == SHA2 and rest == b"\x04":
                self._send(password + b"\0")  # it has forgotten what it kept: the TLS hides this

    def _greeted(self) -> tuple[str, bytes]:
        greeting = self._packet()
        if greeting[:1] == b"\xff":
            raise _error(greeting)
        version, _, rest = greeting[1:].partition(b"\0")
        self.is_mariadb = b"MariaDB" in version
        able = int.from_bytes(rest[13:15], "little")
        if not able & SSL:
            raise DatabaseError("it does not speak TLS")
        more = rest[31:]
        length = max(13, rest[20] - 8)
        name = more[length:].split(b"\0")[0].decode()
        return name, (rest[4:12] + more[:length])[:20]

    def _send(self, body: bytes) -> None:
        self.line.send(len(body).to_bytes(3, "little") + bytes([self.number % 256]) + body)
        self.number += 1

    def _packet(self) -> bytes:
        head = self.line.read(4)
        self.number = head[3] + 1
        return self.line.read(int.from_bytes(head[:3], "little"))


def _proof(plugin: str, password: bytes, nonce: bytes) -> bytes:
    if plugin == NATIVE:
        once = _sha1(password)
        return _xor(once, _sha1(nonce + _sha1(once)))
    if plugin == SHA2:
        once = _sha256(password)
        return _xor(once, _sha256(_sha256(once) + nonce))
    raise DatabaseError(f"it asks for {plugin}")


def _error(packet: bytes) -> Exception:
    code = _code(packet)
    said = packet[3:].decode(errors="replace")
    kind = (
        RefusedError if code in NOT_LET_IN else ConnectionError if code in LATER else DatabaseError
    )
    return kind(f"{code} {said}")


def _code(packet: bytes) -> int:
    return int.from_bytes(packet[1:3], "little")


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()  # noqa: S324  it is the protocol's


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _user(value: Mapping[str, Any]) -> str:
    return _text(value["username"]) + "@'%'"


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
