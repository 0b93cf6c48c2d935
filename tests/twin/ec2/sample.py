"""A network like the pattern's, twice: a provider's VPC, and a consumer's with the very same addresses.

Also what the fabric's tests ask of it: servers and probes in any namespace.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from underpass.twin.linux import namespaces
from underpass.twin.linux.within import within
from underpass.twin.services.ec2.model import (
    Interface,
    InternetGateway,
    NatGateway,
    Network,
    Route,
    RouteTable,
    RouteTarget,
    Rule,
    SecurityGroup,
    Subnet,
    Vpc,
)

CIDR = "10.20.0.0/16"
ANY = ("0.0.0.0/0",)
LOCAL = Route(CIDR, RouteTarget.LOCAL)
WAIT_S = 1.5  # what is called silent was silent for so long, on a busy machine too


def provider() -> Network:
    """Return a VPC with public, app and data subnets in two zones and a NAT gateway in each."""
    out = Rule("-1", -1, -1, ANY)
    return Network(
        vpcs=(Vpc("vpc-a", CIDR),),
        subnets=(
            Subnet("sn-public-1", "vpc-a", "10.20.0.0/24", "z1", "rtb-public"),
            Subnet("sn-public-2", "vpc-a", "10.20.1.0/24", "z2", "rtb-public"),
            Subnet("sn-app-1", "vpc-a", "10.20.2.0/24", "z1", "rtb-app-1"),
            Subnet("sn-app-2", "vpc-a", "10.20.3.0/24", "z2", "rtb-app-2"),
            Subnet("sn-data-1", "vpc-a", "10.20.4.0/24", "z1", "rtb-data"),
        ),
        route_tables=(
            RouteTable(
                "rtb-public",
                "vpc-a",
                (LOCAL, Route("0.0.0.0/0", RouteTarget.INTERNET_GATEWAY, "igw-a")),
            ),
            _through_nat("1"),
            _through_nat("2"),
            RouteTable("rtb-data", "vpc-a", (LOCAL,)),
        ),
        groups=(
            SecurityGroup("sg-front", "vpc-a", (Rule("tcp", 80, 80, ANY),), (out,)),
            SecurityGroup(
                "sg-app", "vpc-a", (Rule("tcp", 8000, 8001, groups=("sg-front",)),), (out,)
            ),
            SecurityGroup("sg-data", "vpc-a", (Rule("tcp", 5432, 5432, groups=("sg-app",)),)),
        ),
        interfaces=(
            Interface("eni-nat-1", "vpc-a", "sn-public-1", "z1", "10.20.0.10"),
            Interface("eni-nat-2", "vpc-a", "sn-public-2", "z2", "10.20.1.10"),
            Interface("eni-front", "vpc-a", "sn-app-1", "z1", "10.20.2.8", ("sg-front",)),
            Interface("eni-app-1", "vpc-a", "sn-app-1", "z1", "10.20.2.10", ("sg-app",)),
            Interface("eni-app-2", "vpc-a", "sn-app-2", "z2", "10.20.3.10", ("sg-app",)),
            Interface("eni-data", "vpc-a", "sn-data-1", "z1", "10.20.4.10", ("sg-data",)),
        ),
        nat_gateways=(
            NatGateway("nat-1", "eni-nat-1", "203.0.113.11"),
            NatGateway("nat-2", "eni-nat-2", "203.0.113.12"),
        ),
        internet_gateways=(InternetGateway("igw-a", "vpc-a"),),
    )


def _through_nat(zone: str) -> RouteTable:
    out = Route("0.0.0.0/0", RouteTarget.NAT_GATEWAY, f"nat-{zone}")
    return RouteTable(f"rtb-app-{zone}", "vpc-a", (LOCAL, out))


def consumer() -> Network:
    """Return a VPC with the provider's addresses, and a client that has one of its interfaces'."""
    open_group = SecurityGroup(
        "sg-b", "vpc-b", (Rule("-1", -1, -1, ANY),), (Rule("-1", -1, -1, ANY),)
    )
    return Network(
        vpcs=(Vpc("vpc-b", CIDR),),
        subnets=(Subnet("sn-b", "vpc-b", "10.20.2.0/24", "z1", "rtb-b"),),
        route_tables=(RouteTable("rtb-b", "vpc-b", (LOCAL,)),),
        groups=(open_group,),
        interfaces=(
            Interface("eni-client", "vpc-b", "sn-b", "z1", "10.20.2.10", ("sg-b",)),
            Interface("eni-server", "vpc-b", "sn-b", "z1", "10.20.2.11", ("sg-b",)),
        ),
    )


def together(*networks: Network) -> Network:
    """Return one network with the parts of all."""
    parts = {
        name: tuple(part for network in networks for part in getattr(network, name))
        for name in vars(networks[0])
    }
    return Network(**parts)


def without_walls(network: Network) -> Network:
    """Return the network with every group letting everything in and out."""
    anything = (Rule("-1", -1, -1, ANY),)
    opened = (replace(group, ingress=anything, egress=anything) for group in network.groups)
    return replace(network, groups=tuple(opened))


def listen(name: str, port: int, answer: str = "") -> None:
    """Serve TCP on every address of a namespace: say ``answer`` and whom one sees, and hang up."""

    def bound() -> socket.socket:
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("0.0.0.0", port))
        server.listen(64)
        return server

    server = within(namespaces.path(name), bound)

    def serve() -> None:
        while True:
            connection, (peer, _) = server.accept()
            with connection:
                connection.sendall(f"{answer or name} {peer}".encode())

    threading.Thread(target=serve, daemon=True).start()


def listen_udp(name: str, port: int) -> None:
    """Answer UDP datagrams on every address of a namespace with the name and whom one sees."""
    server = within(namespaces.path(name), lambda: socket.socket(type=socket.SOCK_DGRAM))
    server.bind(("0.0.0.0", port))

    def serve() -> None:
        while True:
            _, peer = server.recvfrom(100)
            server.sendto(f"{name} {peer[0]}".encode(), peer)

    threading.Thread(target=serve, daemon=True).start()


def ask(name: str, address: str, port: int) -> str:
    """Return what TCP says from a namespace: the answer, "refused", "silent" or "unroutable"."""
    client = within(namespaces.path(name), socket.socket)
    return _heard(client, address, port)


def ask_udp(name: str, address: str, port: int) -> str:
    """Return what UDP says from a namespace: the answer, "refused", "silent" or "unroutable".

    It is asked again, as UDP's clients do and TCP itself does: the first packet after a wiring may be lost.
    """
    client = within(namespaces.path(name), lambda: socket.socket(type=socket.SOCK_DGRAM))
    return _heard(client, address, port, b"?", times=5)


def ping(name: str, address: str) -> str:
    """Return "answered" or "silent" for one ICMP echo."""

    def opened() -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)

    echo = bytes([8, 0, 0xF7, 0xFD, 0, 1, 0, 1])
    with within(namespaces.path(name), opened) as client:
        client.settimeout(WAIT_S)
        client.connect((address, 0))
        try:
            client.send(echo)
            while True:
                if client.recv(100)[20] == 0:
                    return "answered"
        except OSError:
            return "silent"


def answers(**questions: tuple[Callable[..., str], *tuple[Any, ...]]) -> dict[str, str]:
    """Ask many things at once: (``ask``, its arguments); silence takes as long for all as for one."""
    with ThreadPoolExecutor(32) as pool:
        asked = {key: pool.submit(how, *what) for key, (how, *what) in questions.items()}
        return {key: answer.result() for key, answer in asked.items()}


def _heard(client: socket.socket, address: str, port: int, say: bytes = b"", times: int = 1) -> str:
    with client:
        client.settimeout(WAIT_S / times)
        try:
            client.connect((address, port))
            for _ in range(times):
                if say:
                    client.send(say)
                with suppress(TimeoutError):
                    return client.recv(100).decode()
        except TimeoutError:
            return "silent"
        except ConnectionError:
            return "refused"
        except OSError:
            return "unroutable"
    return "silent"


def opened(name: str, address: str, port: int) -> socket.socket:
    """Return a TCP connection made from a namespace."""
    client = within(namespaces.path(name), socket.socket)
    client.settimeout(WAIT_S)
    client.connect((address, port))
    return client
