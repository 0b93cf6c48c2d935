"""Whether the server answers at all: ``python -m app.health``, which ECS runs inside the container.

Any answer will do, "unavailable" too: the load balancer asks whether notes can be read, and a task that
only waits for its database is not helped by being replaced.
"""

from __future__ import annotations

import os
import socket
import sys

TIMEOUT_S = 4.0  # the health check itself gives up after 5


def answers(port: int, timeout_s: float = TIMEOUT_S) -> bool:
    """Return whether something on ``port`` answers a request as a web server does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return connection.recv(7) == b"HTTP/1."
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not answers(int(os.environ.get("PORT") or 8000)))
