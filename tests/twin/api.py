"""The API of a place (``run_inside``), and clients that ask it directly, as those inside a region do."""

from __future__ import annotations

import socket

from underpass.twin.api.server import Api, Listener, moto_application
from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed


def serve(feed: ChangeFeed, port: int = 0) -> Clients:
    """Answer on the loopback device, and return clients."""
    bound = socket.create_server(("127.0.0.1", port))
    clients = Clients(f"http://127.0.0.1:{bound.getsockname()[1]}", "us-east-1")
    application = Api(feed, moto_application())
    Listener(application, bound).start()
    clients.attach(application)
    return clients
