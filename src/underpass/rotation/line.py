"""A connection to a database: TCP, then TLS on the same connection, as both protocols have it."""

from __future__ import annotations

import socket
import ssl

CONNECT_S = 10.0
SILENT_S = 30.0  # for a statement that waits for somebody's lock


class RefusedError(Exception):
    """The database does not let this user in."""


class DatabaseError(Exception):
    """The database refuses what it was asked."""


class Line:
    """Bytes to a server and from it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=CONNECT_S)
        self.socket.settimeout(SILENT_S)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def read(self, length: int) -> bytes:
        """Return so many bytes; an ``OSError`` when the server ends before."""
        found = b""
        while len(found) < length:
            part = self.socket.recv(length - len(found))
            if not part:
                raise ConnectionError("the database closed the connection")
            found += part
        return found

    def encrypt(self) -> bytes:
        """Go on in TLS; return the server's certificate.

        It is not verified here: Lambda knows none of RDS's private authorities. See decision 25.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        encrypted = context.wrap_socket(self.socket)
        self.socket = encrypted
        return encrypted.getpeercert(binary_form=True) or b""

    def close(self) -> None:
        """End it."""
        self.socket.close()
