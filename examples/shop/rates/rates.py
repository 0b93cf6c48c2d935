"""The sidecar: what currencies are worth, for the application beside it and nobody else."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 9000
IN_EUROS = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17}


class Rates(BaseHTTPRequestHandler):
    """Answers every path with the rates."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps(IN_EUROS).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class's name
        """Say nothing of each request."""


def main() -> None:
    """Serve on localhost, or look whether somebody does."""
    if "--check" in sys.argv:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2).close()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("rates are served", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Rates).serve_forever()


if __name__ == "__main__":
    main()
