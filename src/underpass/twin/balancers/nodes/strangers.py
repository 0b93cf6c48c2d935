"""Strangers: whoever gets an address an ALB has given up, in the worst way one can.

Each takes the address at once, is admitted wherever the ALB is (it carries the ALB's security groups), passes
TCP health checks, and answers every request, with a header that says who it is. Made only on request.
"""

from __future__ import annotations

import http.server
import logging
import socketserver
import threading
from typing import Any

from underpass.twin.balancers.model import LoadBalancer, Place
from underpass.twin.balancers.nodes.wire import open_listener
from underpass.twin.clients import Clients
from underpass.twin.fabric.fabric import Fabric

log = logging.getLogger(__name__)

DESCRIPTION = "stranger"
HEADER = "x-underpass-stranger"


class Strangers:
    """Those that wait for addresses, and those that have one."""

    def __init__(self, clients: Clients, fabric: Fabric) -> None:
        self._clients = clients
        self._fabric = fabric
        self._awaiting: set[str] = set()
        self._servers: dict[str, list[socketserver.ThreadingTCPServer]] = {}

    def await_addresses(self, balancer_arn: str) -> None:
        """Have every address this ALB gives up taken from now on."""
        self._awaiting.add(balancer_arn)

    def leave(self) -> None:
        """Take no address any more, and give up those that were taken."""
        self._awaiting.clear()
        for interface_id, servers in list(self._servers.items()):
            for server in servers:
                server.shutdown()
                server.server_close()
            self._clients("ec2").delete_network_interface(NetworkInterfaceId=interface_id)
            del self._servers[interface_id]

    def take(self, balancer: LoadBalancer, node: Place) -> None:
        """Take the address of a node that is gone, if somebody waits for it; serves soon."""
        if balancer.arn not in self._awaiting:
            return
        interface_id = self._clients("ec2").create_network_interface(
            SubnetId=node.subnet_id,
            PrivateIpAddress=node.address,
            Groups=list(balancer.groups),
            Description=DESCRIPTION,
        )["NetworkInterface"]["NetworkInterfaceId"]
        log.info("a stranger has %s now", node.address)
        self._servers[interface_id] = []
        ports = [listener.port for listener in balancer.listeners]
        serve = threading.Thread(
            target=self._serve, args=(interface_id, node.address, ports), daemon=True
        )
        serve.start()

    def _serve(self, interface_id: str, address: str, ports: list[int]) -> None:
        self._fabric.wait_up(interface_id)
        for port in ports:
            listener = open_listener(self._fabric, interface_id, address, port)
            server = socketserver.ThreadingTCPServer(
                (address, port), _Answer, bind_and_activate=False
            )
            server.daemon_threads = True
            server.socket.close()
            server.socket = listener
            self._servers[interface_id].append(server)
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"not who you meant\n"
        self.send_response(200)
        self.send_header(HEADER, "yes")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""
