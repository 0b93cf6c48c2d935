"""What a node's network namespace shows of its life: whether it listens, and that it is detached."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2.model import Eni

_FIRST, _KNOWN = -300, -190  # before conntrack no packet is even known; after it, flows are
_PATIENCE_S = 0.2

CLOSING = nftables.Table(
    "detached",
    chains=(
        nftables.Chain(
            "in",
            "prerouting",
            _KNOWN,
            (
                nftables.rule(
                    nftables.iifname("eth0"), nftables.ct_state(nftables.NEW), nftables.drop()
                ),
            ),
        ),
    ),
)
"""Drops what would be a new flow, so that those there are can end."""

DETACHED = nftables.Table(
    "detached",
    chains=(
        nftables.Chain("in", "prerouting", _FIRST, policy="drop"),
        nftables.Chain("out", "output", _FIRST, policy="drop"),
    ),
)
"""Drops every packet without a word, as where an interface is attached to nothing."""


def listens(fabric: Fabric, node: Eni, ports: Iterable[int]) -> bool:
    """Tell whether a node accepts connections on all of these ports, asked from its own namespace."""
    try:
        for port in ports:
            with fabric.socket(node.interface_id) as asking:
                asking.settimeout(_PATIENCE_S)
                asking.connect((node.address, port))
    except OSError:
        return False
    return True


def open_listener(fabric: Fabric, interface_id: str, address: str, port: int) -> socket.socket:
    """Return a socket that listens on an interface's address."""
    listener = fabric.socket(interface_id)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)
    return listener
