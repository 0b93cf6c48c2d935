"""The region's network: what the EC2 API wants, made real, and the ways for others to work in it.

A controller. Names of namespaces are the ids of interfaces and VPCs, and ``internet``.
"""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import ClassVar

from underpass.twin.linux import namespaces, nft_netlink, nftables
from underpass.twin.linux.links import Link, Links
from underpass.twin.linux.within import within
from underpass.twin.region.accounts import everybody
from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2 import exec_targets
from underpass.twin.services.ec2.describe import observe, observe_interfaces
from underpass.twin.services.ec2.model import Network
from underpass.twin.services.ec2.wiring import INTERNET_NAME, Wiring

_TRUST_S = 10.0  # how long an observation counts that no call to EC2 has put in doubt


class Fabric:
    """The network of one region. Every method but ``reconcile`` may be called from any thread."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.EC2, Topic.AUTOSCALING, Topic.EFS)
    """EC2, and the services in which moto itself makes and takes interfaces."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._observed = Network()
        self._observed_at = 0.0
        self._stale = threading.Event()
        self._stale.set()
        self._made: Network | None = None
        self._wiring = Wiring()
        self._links = Links()

    def start(self) -> None:
        """Make the internet."""
        self._wiring.start()
        self._region.feed.subscribe((Topic.EC2,), self._stale.set)

    def reconcile(self) -> None:
        """Make real what the EC2 API describes; publish ``interfaces`` when namespaces came or went."""
        self._observed = self._observe()
        if self._observed != self._made:
            self.make(self._observed)

    def _observe(self) -> Network:
        ec2, now = [one("ec2") for one in everybody(self._region.clients)], time.monotonic()
        if not self._stale.is_set() and now - self._observed_at < _TRUST_S:
            return observe_interfaces(ec2, self._observed)
        self._stale.clear()
        try:
            observed = observe(*ec2)
        except Exception:
            self._stale.set()
            raise
        self._observed_at = now
        return observed

    def make(self, network: Network) -> None:
        """Make ``network`` real.

        Raises
        ------
        ExceptionGroup
            When parts of it could not be made; the others were.
        """
        before, known = self._wiring.up, self._made.vpcs if self._made else ()
        self._made = None
        try:
            self._wiring.apply(network)
        finally:
            now = self._wiring.up
            for gone in before - now:
                if not Path(self.path(gone)).exists():
                    self._links.forget(gone)
            if before != now or known != network.vpcs:  # a VPC's DNS may have been turned on or off
                self._region.feed.publish(Topic.INTERFACES)
        self._made = network

    def network(self) -> Network:
        """Return the network as last observed."""
        return self._observed

    def path(self, name: str) -> str:
        """Return the path of a namespace."""
        return namespaces.path(name)

    def up(self, name: str) -> bool:
        """Return whether a namespace is wired and firewalled."""
        return name in self._wiring.up

    def wait_up(self, name: str, timeout_s: float = 20) -> None:
        """Return once ``up(name)``.

        Raises
        ------
        TimeoutError
            When that takes longer than ``timeout_s`` seconds.
        """
        self._region.feed.wait(
            lambda: self.up(name), timeout_s=timeout_s, what=f"{name} did not come up"
        )

    def socket(self, name: str, type_: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """Return a socket that lives in the namespace ``name``, for use from anywhere.

        Raises
        ------
        OSError
            When there is no such namespace.
        """
        return within(self.path(name), lambda: socket.socket(socket.AF_INET, type_))

    def enter(self, name: str) -> list[str]:
        """Return what to put before a command's arguments to run it in the namespace."""
        return ["nsenter", f"--net={self.path(name)}", "--"]

    def place(self, place: str) -> list[str]:
        """Return what to put before a command's arguments to run it at a place, with its VPC's names.

        Raises
        ------
        UnderpassError
            When there is no such place; names those there are.
        """
        name = exec_targets.interface_at(self._region.clients, place)
        if name == INTERNET_NAME:
            conf = self._region.resolv_conf(name)
            return [*self.enter(name), *(exec_targets.with_names(conf) if conf.exists() else ())]
        vpc_id = next(i.vpc_id for i in self._observed.interfaces if i.id == name)
        return [*self.enter(name), *exec_targets.with_names(self._region.resolv_conf(vpc_id))]

    def apply(self, name: str, table: nftables.Table) -> None:
        """Replace the table of that name in a namespace, all of it or nothing.

        Raises
        ------
        OSError
            When the namespace is not there, or the kernel refuses the table.
        """
        nft_netlink.apply(self.path(name), table)

    def link(self, a: str, b: str, key: str) -> Link:
        """Return the point-to-point link ``key`` between two namespaces, made if it is not there."""
        return self._links.link(a, b, key)

    def unlink(self, key: str) -> None:
        """Remove a link; one that is not there is no error."""
        self._links.unlink(key)
