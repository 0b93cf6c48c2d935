"""The worker: fulfils orders from the queue, one after the other, until it is told to stop."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import threading

from . import aws, database


def main() -> None:
    """Work until SIGTERM; what was begun is finished, and what was not comes to another."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    print("waiting for orders", flush=True)
    while not over.is_set():
        for order, receipt in aws.receive():
            database.fulfil(order)
            aws.keep(order, f"order {order}\nsigned {signature(order)}\n")
            aws.forget(receipt)
            print(f"order {order} fulfilled", flush=True)


def signature(order: int) -> str:
    """Return what proves that a receipt is the shop's own."""
    key = os.environ["RECEIPT_KEY"].encode()
    return hmac.new(key, str(order).encode(), hashlib.sha256).hexdigest()


if __name__ == "__main__":
    main()
