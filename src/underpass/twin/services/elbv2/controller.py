"""Load balancers made real: observes the APIs, keeps nodes, flows, Envoy, names and states in step.

Two loops share the work. ``reconcile`` reads what is wanted (some fifteen calls) and keeps the nodes'
interfaces; ``apply`` makes the data plane from the last reading and the health table, without any call, so
that a target that fails or recovers is acted upon within milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from underpass.twin.linux import conntrack
from underpass.twin.region.certificates import Authority
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import Reconciler
from underpass.twin.region.timers import later
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2 import node_commands, target_selection
from underpass.twin.services.elbv2 import patches as elbv2
from underpass.twin.services.elbv2.alb_envoy_config import resources
from underpass.twin.services.elbv2.draining import Drains
from underpass.twin.services.elbv2.envoy import EnvoyProcess
from underpass.twin.services.elbv2.health import HealthTable
from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer, Phase
from underpass.twin.services.elbv2.nlb import Flows
from underpass.twin.services.elbv2.node_lifecycle import balancer_records
from underpass.twin.services.elbv2.node_netns import CLOSING, DETACHED, listens
from underpass.twin.services.elbv2.nodes import Nodes
from underpass.twin.services.elbv2.observe import Observer
from underpass.twin.services.elbv2.prober import Prober
from underpass.twin.services.elbv2.recycled_addresses import RecycledAddresses

SOURCE = "balancers"  # of DNS records
LISTEN_AGAIN_S = 0.05
CLOSES_S = 0.5  # how long requests under way at a node that closes may take


class Balancers:
    """The load balancers of one region.

    Parameters
    ----------
    health
        The table ``target_groups.attach`` was given.
    """

    topics: ClassVar[tuple[Topic, ...]] = (
        *(Topic.ELB, Topic.EC2, Topic.ROUTE53, Topic.AUTOSCALING),
        *(Topic.DRAINED, Topic.NODES),
    )

    def __init__(self, region: Region, fabric: Fabric, health: HealthTable) -> None:
        self._region = region
        self._fabric = fabric
        self._health = health
        self._prober = Prober(health, fabric.socket, lambda: region.feed.publish(Topic.HEALTH))
        self._envoy = EnvoyProcess(region.run / "envoy", region.state / "logs" / "envoy.log")
        self._flows = Flows(fabric, health.observed)
        self._strangers = RecycledAddresses(region.clients, fabric)
        self._nodes = Nodes(
            region.clients,
            lambda: region.feed.publish(Topic.NODES),
            self._strangers.take,
            self._connected,
        )
        self._listening: frozenset[str] = frozenset()
        self._detached: dict[str, float] = {}  # and when the last of their flows end
        self._observer = Observer(region.clients, region.feed, self._nodes.phase)
        self._wanted = self._applied = Balancing()
        self._applying = Reconciler("balancers-apply", self.apply, settle_s=0.005)
        self._drains = Drains(
            health,
            self._connected,
            lambda: region.feed.publish(Topic.DRAINED),
        )
        self._authority = Authority(region.state / "tls")

    def start(self) -> None:
        """Start the checks and the loop that applies what is wanted."""
        self._prober.start()
        self._drains.start()
        self._applying.start(self._region.feed, (Topic.HEALTH, Topic.INTERFACES))

    def stop(self) -> None:
        """Stop the loop, the checks and Envoy."""
        self._applying.stop()
        self._nodes.stop()
        self._prober.stop()
        self._drains.stop()
        self._envoy.stop()

    def reconcile(self) -> None:
        """Read what is wanted, keep the nodes' interfaces, and have the rest applied."""
        wanted = self._observer.observe()
        while self._nodes.reconcile(wanted):
            wanted = self._observer.observe()
        self._drains.follow(wanted)
        if wanted != self._wanted:
            self._wanted = wanted
            self._applying.wake()

    @property
    def wanted(self) -> Balancing:
        """What the APIs said last."""
        return self._wanted

    def finds_healthy(self, balancer: LoadBalancer, node: Eni) -> bool:
        """Return whether a node has a healthy target for some listener: whether DNS should name it."""
        return bool(target_selection.healthy(balancer, node, self._wanted, self._health.observed))

    def command(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a control request asks of an ALB's nodes; see ``node_commands``."""
        return node_commands.answer(
            request,
            nodes=self._nodes,
            strangers=self._strangers,
            observed=lambda: self._wanted,
            feed=self._region.feed,
        )

    def _connected(self, interface_id: str) -> frozenset[tuple[str, int]]:
        return conntrack.connected(self._fabric.path(interface_id))

    def apply(self) -> None:
        """Make checks, flows, Envoy, names and states those of the last reading.

        Raises
        ------
        ExceptionGroup
            When some of it failed; the rest was done, and the loop tries again.
        """
        wanted, up = self._wanted, self._fabric.up
        plan = target_selection.plan(wanted, up)
        self._health.keep(plan.checks, plan.unused)
        self._prober.watch(plan.checks)
        failed: list[Exception] = []
        attempt(failed, lambda: self._detach(wanted))
        attempt(failed, lambda: self._flows.apply(wanted))
        attempt(failed, lambda: self._apply_envoy(wanted))
        self._listen(wanted)
        self._name(wanted)
        self._record(wanted)
        if wanted != self._applied:
            self._applied = wanted
            self._region.feed.publish(Topic.APPLIED)
        if failed:
            raise ExceptionGroup("load balancers", failed)
        self._tell_states(wanted)

    def _apply_envoy(self, wanted: Balancing) -> None:
        running = {
            balancer.arn: tuple(
                node
                for node in wanted.nodes_of(balancer)
                if self._fabric.up(node.interface_id) and node.phase is not Phase.DETACHED
            )
            for balancer in wanted.balancers
        }
        certificate = self._authority.issue(wanted.certified) if wanted.certified else None
        made = resources(wanted, running, self._health.observed, self._envoy.folder, certificate)
        self._envoy.apply(made)

    # Nodes

    def _detach(self, wanted: Balancing) -> None:
        """Let no packet reach the nodes whose interfaces are detached, once what is under way has ended."""
        detached = {
            node.interface_id
            for _, nodes in wanted.nodes
            for node in nodes
            if node.phase is Phase.DETACHED and self._fabric.up(node.interface_id)
        }
        now_s = time.monotonic()
        for one in self._detached.keys() - detached:
            del self._detached[one]
        for one in detached - self._detached.keys():
            self._fabric.apply(one, CLOSING)
            self._detached[one] = now_s + CLOSES_S
            later(CLOSES_S, self._applying.wake)
        for one, when_s in self._detached.items():
            if when_s <= now_s:
                self._fabric.apply(one, DETACHED)
                self._detached[one] = float("inf")

    def _listen(self, wanted: Balancing) -> None:
        """Find out which nodes listen by now; those that do not are asked again soon."""
        listening, awaited = set[str](), False
        for balancer in wanted.balancers:
            ports = [one.port for one in balancer.listeners]
            for node in wanted.nodes_of(balancer):
                known = node.interface_id in self._listening or balancer.kind == "network"
                if not self._fabric.up(node.interface_id):
                    continue
                if known or listens(self._fabric, node, ports):
                    listening.add(node.interface_id)
                else:
                    awaited = True
        self._listening = frozenset(listening)
        if awaited:
            later(LISTEN_AGAIN_S, self._applying.wake)

    def _record(self, wanted: Balancing) -> None:
        """Keep the history of the ALBs' nodes, once DNS names those that listen."""
        for one in self._listening:
            self._nodes.history.mark(one, "named")
        tcp = [group for group in wanted.groups if group.protocol == "TCP"]
        self._nodes.history.registered(
            {address for group in tcp for one in group.targets for address, _ in one.addresses}
        )
        self._nodes.history.sent(self._flows.serving)
        self._nodes.name(self._listening)

    # What others are told

    def _name(self, wanted: Balancing) -> None:
        records = balancer_records(wanted, self._listening.__contains__, self.finds_healthy)
        self._region.names.set(SOURCE, "*", records)

    def _tell_states(self, wanted: Balancing) -> None:
        changed = False
        for balancer in wanted.balancers:
            if balancer.state == "provisioning" and self._is_ready(wanted, balancer):
                elbv2.set_state(balancer.arn, "active")
                changed = True
        if changed:
            self._region.feed.publish(Topic.STATES)

    def _is_ready(self, wanted: Balancing, balancer: LoadBalancer) -> bool:
        """Tell whether a load balancer answers in each of its subnets; if it soon will, it is asked again."""
        found = wanted.nodes_of(balancer)
        there = {node.subnet_id for node in found if self._fabric.up(node.interface_id)}
        if not there >= {subnet_id for subnet_id, _, _ in balancer.subnets}:
            return False
        ports = [one.port for one in balancer.listeners]
        if balancer.kind == "network" or all(listens(self._fabric, node, ports) for node in found):
            return True
        later(LISTEN_AGAIN_S, self._applying.wake)
        return False


def attempt(failed: list[Exception], work: Callable[[], None]) -> None:
    """Run ``work``; what it raises joins ``failed``."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  the other parts must not suffer
        failed.append(error)
