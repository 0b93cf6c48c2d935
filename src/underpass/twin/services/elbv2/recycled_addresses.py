"""Recycled addresses: strangers who get those an ALB has given up, in the worst way one can.

Each takes the address at once, is admitted wherever the ALB is (it carries the ALB's security groups), passes
TCP health checks, and answers every request, with a header that says who it is. Made only on request.
"""

from __future__ import annotations

import http.server
import logging
import socket
import socketserver
import threading
from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.region.worker import once
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2.model import Eni, LoadBalancer
from underpass.twin.services.elbv2.node_netns import open_listener

log = logging.getLogger(__name__)

DESCRIPTION = "stranger"
HEADER = "x-underpass-stranger"


class RecycledAddresses:
    """Those that wait for addresses, and those that have one. Every method may be called from any thread."""

    def __init__(self, clients: Clients, fabric: Fabric) -> None:
        self._clients = clients
        self._fabric = fabric
        self._lock = threading.Lock()
        self._awaiting: set[str] = set()
        self._servers: dict[str, list[socketserver.ThreadingTCPServer]] = {}

    def await_addresses(self, balancer_arn: str) -> None:
        """Have every address this ALB gives up taken from now on."""
        with self._lock:
            self._awaiting.add(balancer_arn)

    def leave(self) -> None:
        """Take no address any more, and give up those that were taken."""
        with self._lock:
            self._awaiting.clear()
            taken = tuple(self._servers)
        for interface_id in taken:
            self._give_up(interface_id)

    def _give_up(self, interface_id: str) -> None:
        with self._lock:
            servers = self._servers.pop(interface_id, None)
        if servers is None:
            return  # another who was told to leave does it
        for server in servers:
            server.shutdown()
            server.server_close()
        try:
            self._delete(interface_id)
        except Exception:
            with self._lock:
                self._servers[interface_id] = []  # it still has the address, and can be told again
            raise

    def take(self, balancer: LoadBalancer, node: Eni) -> None:
        """Take the address of a node that is gone, if somebody waits for it; serves soon."""
        with self._lock:
            if balancer.arn not in self._awaiting:
                return
        interface_id = self._clients("ec2").create_network_interface(
            SubnetId=node.subnet_id,
            PrivateIpAddress=node.address,
            Groups=list(balancer.groups),
            Description=DESCRIPTION,
        )["NetworkInterface"]["NetworkInterfaceId"]
        with self._lock:
            stays = balancer.arn in self._awaiting
            if stays:
                self._servers[interface_id] = []
        if not stays:  # it was dismissed before anybody knew that it has the address
            self._delete(interface_id)
            return
        log.info("a stranger has %s now", node.address)
        ports = [listener.port for listener in balancer.listeners]
        once("stranger", self._serve, interface_id, node.address, ports)

    def _delete(self, interface_id: str) -> None:
        self._clients("ec2").delete_network_interface(NetworkInterfaceId=interface_id)

    def _serve(self, interface_id: str, address: str, ports: list[int]) -> None:
        try:
            self._fabric.wait_up(interface_id)
            for port in ports:
                listener = open_listener(self._fabric, interface_id, address, port)
                if not self._answer(interface_id, address, port, listener):
                    return
        except OSError as error:  # also that it did not come up: it may have been dismissed by now
            log.info("the stranger at %s does not serve: %s", address, error)

    def _answer(self, interface_id: str, address: str, port: int, listener: socket.socket) -> bool:
        """Answer at a listener from now on; close it, and say no, if the stranger was dismissed meanwhile."""
        server = socketserver.ThreadingTCPServer((address, port), _Answer, bind_and_activate=False)
        server.daemon_threads = True
        server.socket.close()
        server.socket = listener
        with self._lock:
            servers = self._servers.get(interface_id)
            if servers is not None:
                servers.append(server)
                # Here, where nobody can shut it down yet: whoever does waits for this thread to end.
                once(f"stranger-{address}", server.serve_forever, 0.1)
        if servers is None:
            server.server_close()
        return servers is not None


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
