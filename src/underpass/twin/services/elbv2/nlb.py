"""Keeps the tables of NLB nodes as they are wanted, and ends the flows that this leaves over."""

from __future__ import annotations

import functools
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from underpass.twin.linux import conntrack, nftables
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer
from underpass.twin.services.elbv2.nlb_tables import listener_targets, node_table
from underpass.twin.services.elbv2.target_selection import Address, Observed, ended, healthy

log = logging.getLogger(__name__)


class Cut(Protocol):
    """Forgets flows; see ``conntrack.cut``."""

    def __call__(
        self, namespace: str, targets: Collection[Address], *, unanswered: bool = False
    ) -> int:
        """Forget the flows to these targets, and return how many there were."""


@dataclass
class Node:
    """What one NLB node is known to do.

    Attributes
    ----------
    carried
        Whom flows may still go to: those it ever sent to, less those whose flows were ended.
    sent
        Whom it sends new flows to, and those before them whose unanswered flows are still to be ended.
    healthy
        The addresses among them that it found healthy.
    """

    carried: set[Address] = field(default_factory=set)
    sent: set[Address] = field(default_factory=set)
    healthy: frozenset[str] = frozenset()


class Flows:
    """What was applied where, so that only what differs is applied again.

    Parameters
    ----------
    observed
        What health checks see, which may change at any moment.
    cut
        How flows are ended.
    """

    def __init__(self, fabric: Fabric, observed: Observed, cut: Cut = conntrack.cut) -> None:
        self._fabric = fabric
        self._seen = observed
        self._cut = cut
        self._tables: dict[str, nftables.Table] = {}
        self._nodes: dict[str, Node] = {}
        self.serving: frozenset[str] = frozenset()  # addresses that some node finds well

    def apply(self, wanted: Balancing) -> None:
        """Make the nodes' tables those that are wanted.

        Raises
        ------
        ExceptionGroup
            When some could not be made, or some flows not ended; the others were.
        """
        failed: list[Exception] = []
        # Each check is read once: a target that fails while this runs has its flows cut when the next run
        # has taken it out of the map. Cut now, they would be sent to it again, and never be cut later.
        observed = functools.cache(self._seen)
        tables = wanted_tables(wanted, observed)
        there = {name: table for name, table in tables.items() if self._fabric.up(name)}
        for known in (self._tables, self._nodes):
            for name in known.keys() - there.keys():
                known.pop(name)  # it went with its namespace
        for name, table in there.items():
            self._replace(name, table, failed)
        for balancer, node in _nodes(wanted):
            if node.interface_id in self._tables:  # else it still sends where it did
                self._follow(wanted, balancer, node, observed, failed)
        self.serving = frozenset(one for node in self._nodes.values() for one in node.healthy)
        if failed:
            raise ExceptionGroup("flows", failed)

    def _replace(self, name: str, table: nftables.Table, failed: list[Exception]) -> None:
        if self._tables.get(name) == table:
            return
        try:
            self._fabric.apply(name, table)
            self._tables[name] = table
        except OSError as error:
            self._tables.pop(name, None)
            failed.append(error)

    def _follow(
        self,
        wanted: Balancing,
        balancer: LoadBalancer,
        eni: Eni,
        observed: Observed,
        failed: list[Exception],
    ) -> None:
        """Note where a node sends by its new table, and end the flows that this leaves over."""
        node = self._nodes.setdefault(eni.interface_id, Node())
        targets = listener_targets(balancer, eni, wanted, observed)
        sent = {one for found in targets.values() for one in found}
        node.carried |= sent
        node.sent |= sent
        node.healthy = healthy(balancer, eni, wanted, observed)
        over = ended(node.carried, sent, balancer, eni, wanted, observed)
        path, no_more = self._fabric.path(eni.interface_id), node.sent - sent
        try:
            if over.cut and (count := self._cut(path, over.cut)):
                log.info("%s: %d flows to %s ended", balancer.name, count, sorted(over.cut))
            if no_more and (count := self._cut(path, no_more, unanswered=True)):
                log.info(
                    "%s: %d flows nobody answered at %s", balancer.name, count, sorted(no_more)
                )
        except OSError as error:
            failed.append(error)  # whose flows were to end is still known: the next run tries again
            return
        node.carried -= over.forgotten
        node.sent = sent


def wanted_tables(wanted: Balancing, observed: Observed) -> dict[str, nftables.Table]:
    """Return the table of every NLB node. Pure."""
    return {
        node.interface_id: node_table(
            node.address, listener_targets(balancer, node, wanted, observed)
        )
        for balancer, node in _nodes(wanted)
    }


def _nodes(wanted: Balancing) -> Iterator[tuple[LoadBalancer, Eni]]:
    for balancer in wanted.balancers:
        if balancer.kind == "network":
            for node in wanted.nodes_of(balancer):
                yield balancer, node
