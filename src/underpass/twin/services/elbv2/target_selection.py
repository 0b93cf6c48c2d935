"""Which targets a node may use, which it should use now, which flows end, and which checks that takes. Pure.

AWS's rules: a node uses the targets of its own zone unless cross-zone balancing is on; only healthy ones;
and when none of them is healthy, all of them ("fail open"). An NLB ends the flows of a target that became
unhealthy, by default; those of a deregistered target only when the target group says so, and then at the end
of its deregistration delay. Otherwise flows live as long as they like.
Source: elasticloadbalancing/latest/network/target-group-health-checks, .../load-balancer-target-groups,
.../edit-target-group-attributes (connection termination).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from underpass.twin.services.elbv2 import health
from underpass.twin.services.elbv2.health import CheckKey, Health, HealthCheck, State, TargetKey
from underpass.twin.services.elbv2.model import (
    ALL_ZONES,
    Balancing,
    Eni,
    Forward,
    LoadBalancer,
    Phase,
    TargetGroup,
)

Observed = Callable[[CheckKey], Health]
Address = tuple[str, int]


@dataclass(frozen=True, order=True)
class Backend:
    """One address and port a node can send to, and the target it belongs to."""

    address: str
    port: int
    target: TargetKey


@dataclass(frozen=True)
class Plan:
    """The checks to make, and the targets that get none, with the reason the API gives."""

    checks: dict[CheckKey, HealthCheck]
    unused: dict[TargetKey, Health]


def scope(balancer: LoadBalancer, group: TargetGroup, zone: str) -> tuple[Backend, ...]:
    """Return what a node in ``zone`` may send to, healthy or not."""
    enabled = {one for _, one, _ in balancer.subnets} | {ALL_ZONES}
    cross = balancer.cross_zone if group.cross_zone is None else group.cross_zone
    allowed = enabled if cross else enabled & {zone, ALL_ZONES}
    return tuple(
        sorted(
            Backend(address, target.key.port, target.key)
            for target in group.targets
            for address, where in target.addresses
            if where in allowed
        )
    )


def usable(
    balancer: LoadBalancer, group: TargetGroup, node: Eni, observed: Observed
) -> tuple[tuple[str, int], ...]:
    """Return the addresses and ports a node should send to now."""
    backends = scope(balancer, group, node.zone)
    healthy = [
        one
        for one in backends
        if observed(CheckKey(one.target, one.address, node.interface_id)).state is State.HEALTHY
    ]
    return tuple(dict.fromkeys((one.address, one.port) for one in healthy or backends))


def healthy(
    balancer: LoadBalancer, node: Eni, balancing: Balancing, observed: Observed
) -> frozenset[str]:
    """Return the addresses a node may send to and finds well."""
    return frozenset(
        one.address
        for group in forwarded(balancer, balancing)
        for one in scope(balancer, group, node.zone)
        if observed(CheckKey(one.target, one.address, node.interface_id)).state is State.HEALTHY
    )


def forwarded(balancer: LoadBalancer, balancing: Balancing) -> Iterator[TargetGroup]:
    """Yield the target groups a load balancer's listeners forward to, each once."""
    arns = dict.fromkeys(
        arn
        for listener in balancer.listeners
        for rule in listener.rules
        if isinstance(rule.action, Forward)
        for arn, _ in rule.action.groups
    )
    for arn in arns:
        group = balancing.group(arn)
        if group is not None:
            yield group


def plan(balancing: Balancing, up: Callable[[str], bool]) -> Plan:
    """Return the checks of all nodes that are up."""
    checks: dict[CheckKey, HealthCheck] = {}
    unused: dict[TargetKey, Health] = {}
    for balancer in balancing.balancers:
        zones = {zone for _, zone, _ in balancer.subnets} | {ALL_ZONES}
        for group in forwarded(balancer, balancing):
            for target in group.targets:
                if not any(zone in zones for _, zone in target.addresses) and target.addresses:
                    unused[target.key] = health.ZONE_NOT_ENABLED
            for node in balancing.nodes_of(balancer):
                if up(node.interface_id) and node.phase is not Phase.DETACHED:
                    for one in scope(balancer, group, node.zone):
                        checks[CheckKey(one.target, one.address, node.interface_id)] = group.check
    return Plan(checks, unused)


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
