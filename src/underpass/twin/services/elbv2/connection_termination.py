"""Which targets' flows an NLB ends, and when. Pure.

By default those of a target that became unhealthy; those of a deregistered target only when the target
group says so, and then at the end of its deregistration delay. Otherwise flows live as long as they like.
Source: elasticloadbalancing/latest/network/edit-target-group-attributes (connection termination).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from underpass.twin.services.elbv2.health import CheckKey, State
from underpass.twin.services.elbv2.model import Balancing, Eni, LoadBalancer, TargetGroup
from underpass.twin.services.elbv2.target_selection import Observed, forwarded, scope

Address = tuple[str, int]


@dataclass(frozen=True)
class Over:
    """Targets whose flows are to be cut, and targets that need not be remembered any longer."""

    cut: frozenset[Address]
    forgotten: frozenset[Address]


def ended(
    carried: Collection[Address],
    sent: Collection[Address],
    balancer: LoadBalancer,
    node: Eni,
    wanted: Balancing,
    observed: Observed,
) -> Over:
    """Return whose flows end at a node: of those it has ``carried`` flows to; it now sends to ``sent``."""
    groups = tuple(forwarded(balancer, wanted))
    registered = {
        (one.address, one.port) for group in groups for one in scope(balancer, group, node.zone)
    }
    draining = {one for group in groups for one in _draining(group)}
    unhealthy = {
        (one.address, one.port)
        for group in groups
        if group.cuts_unhealthy
        for one in scope(balancer, group, node.zone)
        if observed(CheckKey(one.target, one.address, node.interface_id)).state is State.UNHEALTHY
    }
    gone = set(carried) - registered - draining
    cuts_gone = any(group.cuts_drained for group in groups)
    failed = (unhealthy & set(carried)) - set(sent)  # with nobody healthy, all of them carry on
    cut = failed | (gone if cuts_gone else set())
    return Over(frozenset(cut), frozenset(cut | gone))


def _draining(group: TargetGroup) -> set[Address]:
    return {
        (address, target.key.port) for target in group.draining for address, _ in target.addresses
    }
