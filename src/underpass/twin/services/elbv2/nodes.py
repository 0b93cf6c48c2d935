"""Keeps load balancers' nodes: makes and ends their network interfaces, one step after the other.

Interfaces' descriptions are AWS's (``ELB net/NAME/ID``, ``ELB app/NAME/ID``): the registrar finds an ALB's
addresses by them, as it does in AWS. An ALB's nodes have addresses drawn from their subnet at random.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.region.aws import Clients
from underpass.twin.region.clock import Wait, scaled_s
from underpass.twin.region.timers import Timer, later
from underpass.twin.services.ec2.patches import change_interface
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer, Phase
from underpass.twin.services.elbv2.node_history import CloudTrail, History
from underpass.twin.services.elbv2.node_lifecycle import MOST, Leaving, Steps, Times, steps

log = logging.getLogger(__name__)


AGAIN_S = 0.5  # between looks at a node that leaves and still has connections


class Nodes:
    """The nodes of all load balancers. What is wanted may be said from any thread.

    Parameters
    ----------
    wake
        Has ``reconcile`` called soon.
    freed
        Called with each interface of an ALB's that was deleted: its address is anybody's now.
    connected
        Returns the addresses at one end of a node's connections; see ``conntrack.connected``.
    """

    def __init__(
        self,
        clients: Clients,
        wake: Callable[[], None],
        freed: Callable[[LoadBalancer, Eni], None],
        connected: Callable[[str], Collection[tuple[str, int]]] = lambda _: (),
    ) -> None:
        self.history = History()
        self.trail = CloudTrail(clients)
        self._clients = clients
        self._wake = wake
        self._freed = freed
        self._connected = connected
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._times: dict[str, Times] = {}
        self._doomed: set[str] = set()
        self._leaving: dict[str, Leaving] = {}
        self._named: frozenset[str] = frozenset()
        self._timer: Timer | None = None

    def stop(self) -> None:
        """Stop the clock of those that leave."""
        if self._timer:
            self._timer.cancel()

    # What is wanted

    def scale(self, balancer: LoadBalancer, count: int) -> None:
        """Have an ALB run on ``count`` nodes.

        Raises
        ------
        UnderpassError
            When it cannot have so many.
        """
        fewest = len(balancer.subnets)
        if not fewest <= count <= MOST:
            raise UnderpassError(
                f"{balancer.name} cannot have {count} nodes",
                f"an ALB has at least one in each of its {fewest} subnets, and at most {MOST}",
            )
        with self._lock:
            self._counts[balancer.arn] = count
        self._wake()

    def rotate(self, balancer: LoadBalancer, nodes: tuple[Eni, ...], times: Times) -> list[str]:
        """Have every node of an ALB replaced by another; return the interfaces that will go."""
        with self._lock:
            going = [one.interface_id for one in nodes if one.interface_id not in self._leaving]
            self._doomed.update(going)
            self._times[balancer.arn] = times
        self._wake()
        return going

    # What is so

    def phase(self, interface_id: str) -> Phase:
        """Return where a node is in its life."""
        with self._lock:
            leaving = self._leaving.get(interface_id)
        return leaving.phase if leaving else Phase.IN_SERVICE

    def name(self, interfaces: frozenset[str]) -> None:
        """Say which nodes listen, so that DNS names them unless they leave."""
        news = interfaces != self._named
        self._named = interfaces
        if news:
            self._wake()

    def settled(self, balancer: LoadBalancer, nodes: tuple[Eni, ...]) -> bool:
        """Tell whether a load balancer has the nodes it should have, and no other."""
        with self._lock:
            count = self._counts.get(balancer.arn, len(balancer.subnets))
            moving = {*self._doomed, *self._leaving}
        here = {node.interface_id for node in nodes}
        return len(here) == count and here <= self._named and not here & moving

    # Making it so

    def reconcile(self, balancing: Balancing) -> bool:
        """Take the steps that are due; return whether what was observed is out of date."""
        described = dict(balancing.nodes)
        wanted = {balancer.description for balancer in balancing.balancers}
        changed, again_s = False, None
        for description in described.keys() - wanted:
            for node in described[description]:
                self._delete(node, "its load balancer is gone")
                changed = True
        for balancer in balancing.balancers:
            nodes = balancing.nodes_of(balancer)
            changed |= self._regroup(balancer, nodes)
            due = self._due(balancer, nodes)
            changed |= self._take(balancer, {node.interface_id: node for node in nodes}, due)
            if due.next_s is not None:
                again_s = min(again_s or due.next_s, due.next_s)
        self._forget({node.interface_id for nodes in described.values() for node in nodes})
        if again_s is not None:
            self._look_again(again_s)
        return changed

    def _due(self, balancer: LoadBalancer, nodes: tuple[Eni, ...]) -> Steps:
        now_s = time.monotonic()
        with self._lock:
            given = self._times.get(balancer.arn, Times())
            leaving = dict(self._leaving)
        serves_s, detached_s = (
            scaled_s(Wait.NODE, one, 0.0) for one in (given.serves_s, given.detached_s)
        )
        times = Times(serves_s, detached_s, busy_s=given.serves_s)
        over = {
            one: state.since_s + times.serves_s <= now_s
            for one, state in leaving.items()
            if state.phase is Phase.LEAVING
        }
        busy = {one.interface_id for one in nodes if over.get(one.interface_id) and self._busy(one)}
        with self._lock:
            due = steps(
                balancer,
                nodes,
                count=self._counts.get(balancer.arn, len(balancer.subnets)),
                doomed=tuple(self._doomed),
                leaving=leaving,
                named=self._named,
                busy=busy,
                now_s=now_s,
                times=times,
            )
        return replace(due, next_s=min(due.next_s or inf, now_s + AGAIN_S)) if busy else due

    def _busy(self, node: Eni) -> bool:
        """Tell whether clients have connections to a node: there its answers come from its own address."""
        with suppress(FileNotFoundError):  # it is not there any more
            return any(address == node.address for address, _ in self._connected(node.interface_id))
        return False

    def _take(self, balancer: LoadBalancer, nodes: dict[str, Eni], due: Steps) -> bool:
        for subnet_id, address in due.create:
            self._create(balancer, subnet_id, address)
        for one in due.leave:
            self._leave(one, Phase.LEAVING)
            self.history.mark(one, "left")
            log.info("node %s leaves DNS", one)
        for one in due.detach:
            self._leave(one, Phase.DETACHED)
            self.history.mark(one, "detached")
            change_interface(self._clients.region, one, status="available")
            self.trail.note("DetachNetworkInterface", {"attachmentId": f"ela-attach-{one[4:]}"})
            log.info("node %s is detached", one)
        for one in due.delete:
            self._delete(nodes[one], "it has left")
            if balancer.kind == "application":
                self._freed(balancer, nodes[one])
        return bool(due.create or due.leave or due.detach or due.delete)

    def _leave(self, interface_id: str, phase: Phase) -> None:
        with self._lock:
            self._doomed.discard(interface_id)
            self._leaving[interface_id] = Leaving(phase, time.monotonic())

    def _forget(self, there: set[str]) -> None:
        with self._lock:
            self._doomed &= there
            for one in self._leaving.keys() - there:
                del self._leaving[one]

    def _look_again(self, when_s: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = later(max(0.0, when_s - time.monotonic()), self._wake)

    def _regroup(self, balancer: LoadBalancer, nodes: tuple[Eni, ...]) -> bool:
        wrong = [node for node in nodes if balancer.groups and node.groups != balancer.groups]
        for node in wrong:
            log.info("node %s: security groups %s", node.interface_id, balancer.groups)
            self._clients("ec2").modify_network_interface_attribute(
                NetworkInterfaceId=node.interface_id, Groups=list(balancer.groups)
            )
        return bool(wrong)

    def _create(self, balancer: LoadBalancer, subnet_id: str, address: str) -> None:
        region, application = self._clients.region, balancer.kind == "application"
        asked: dict[str, Any] = {"SubnetId": subnet_id, "Description": balancer.description}
        if application and not address:
            address = elbv2.random_address(subnet_id, region)
        if address:
            asked["PrivateIpAddress"] = address
        if balancer.groups:
            asked["Groups"] = list(balancer.groups)
        made = self._clients("ec2").create_network_interface(**asked)["NetworkInterface"]
        interface_id = made["NetworkInterfaceId"]
        change_interface(
            region,
            interface_id,
            requester_id="amazon-elb",
            requester_managed=True,
            interface_type="interface" if application else "network_load_balancer",
            status="in-use",
        )
        log.info("node %s of %s in %s", interface_id, balancer.name, subnet_id)
        if application:
            self.history.create(interface_id, made["PrivateIpAddress"], balancer.arn)
        self.trail.note(
            "CreateNetworkInterface",
            {
                "subnetId": subnet_id,
                "description": balancer.description,
                "groupSet": {"items": [{"groupId": group} for group in balancer.groups]},
            },
            {
                "networkInterface": {
                    "networkInterfaceId": interface_id,
                    "subnetId": subnet_id,
                    "vpcId": made["VpcId"],
                    "availabilityZone": made["AvailabilityZone"],
                    "description": balancer.description,
                    "privateIpAddress": made["PrivateIpAddress"],
                    "status": "pending",
                }
            },
        )

    def _delete(self, node: Eni, reason: str) -> None:
        log.info("node %s deleted: %s", node.interface_id, reason)
        ec2 = self._clients("ec2")
        try:
            ec2.delete_network_interface(NetworkInterfaceId=node.interface_id)
        except ec2.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "InvalidNetworkInterfaceID.NotFound":
                raise
        self.history.mark(node.interface_id, "deleted")
        self.trail.note("DeleteNetworkInterface", {"networkInterfaceId": node.interface_id})
