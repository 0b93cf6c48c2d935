"""Where a port forward leads: from a consumer's client host to its endpoint, by name as the VPC sees it."""

from __future__ import annotations

import socket
from itertools import count

from underpass.twin.region.context import Region
from underpass.twin.services.ec2 import exec_targets
from underpass.twin.services.ec2.fabric import Fabric


class Dialler:
    """How connections for one consumer are made.

    Parameters
    ----------
    region
        The region.
    fabric
        Its network.
    consumer
        The consumer's name: connections start at the place ``consumer/NAME``.
    """

    def __init__(self, region: Region, fabric: Fabric, consumer: str) -> None:
        self._region = region
        self._fabric = fabric
        self._place = f"consumer/{consumer}"
        self._host, self._port = "", 0
        self._client = ""
        self._turn = count()

    def aim(self, host: str, port: int) -> None:
        """Set the name and the port that connections go to."""
        self._host, self._port = host, port

    def dial(self) -> list[tuple[socket.socket, tuple[str, int]]]:
        """Return a socket in the client host for each of the endpoint's addresses, taking turns at the front.

        Raises
        ------
        UnderpassError
            When the consumer has no client host yet.
        """
        if not self._fabric.up(self._client):
            self._client = exec_targets.interface_at(self._region.clients, self._place)
        vpc_id = next(i.vpc_id for i in self._fabric.network().interfaces if i.id == self._client)
        found = sorted(self._region.names.lookup(vpc_id, self._host))
        first = next(self._turn) % len(found) if found else 0
        return [
            (self._fabric.socket(self._client), (address, self._port))
            for address in found[first:] + found[:first]
        ]
