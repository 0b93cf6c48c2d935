"""Reads from the APIs what should be balanced where: describe calls in, values out.

Load balancing and EC2 are read apart, since EC2 changes often, and half a stack's calls are EC2's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.topics import Topic
from underpass.twin.services.elbv2.describe import load_balancers, target_groups
from underpass.twin.services.elbv2.model import (
    Balancing,
    Eni,
    LoadBalancer,
    Phase,
    Target,
    TargetGroup,
)

INTERFACES = ("ELB app/*", "ELB net/*")
TRUSTED_S = 10.0  # how long what was read of load balancing holds when nobody says that it changed
Described = Mapping[str, Any]


class Observer:
    """Reads what the APIs say, and of load balancing only what may have changed since.

    ``phase`` says of an interface where the node on it is in its life.
    """

    def __init__(self, clients: Clients, feed: ChangeFeed, phase: Callable[[str], Phase]) -> None:
        self._clients = clients
        self._phase = phase
        self._stale = threading.Event()
        self._stale.set()
        self._read_at_s = 0.0
        self._balancers: tuple[LoadBalancer, ...] = ()
        self._groups: tuple[TargetGroup, ...] = ()
        self._zones: tuple[str, ...] = ()
        # moto registers an Auto Scaling group's instances with their target groups itself.
        topics = (Topic.ELB, Topic.AUTOSCALING, Topic.ROUTE53, Topic.DRAINED)
        feed.subscribe(topics, self._stale.set)

    def observe(self) -> Balancing:
        """Return what the APIs say now."""
        if self._stale.is_set() or time.monotonic() - self._read_at_s > TRUSTED_S:
            self._read()
        found = assemble(self._clients("ec2"), self._balancers, self._groups, self._phase)
        return replace(found, zones=self._zones)

    def _read(self) -> None:
        elb = self._clients("elbv2")
        self._stale.clear()  # before reading: a change from now on is for the next time
        try:
            self._balancers = load_balancers(elb)
            self._groups = target_groups(elb) if self._balancers else ()
            secure = Balancing(self._balancers).certified
            self._zones = _zones(self._clients("route53")) if secure else ()
        except Exception:
            self._stale.set()
            raise
        self._read_at_s = time.monotonic()


def _zones(route53: Any) -> tuple[str, ...]:
    zones = route53.list_hosted_zones()["HostedZones"]
    return tuple(sorted({zone["Name"].rstrip(".") for zone in zones}))


def in_service(_: str) -> Phase:
    """Return the phase of a node nobody has told to leave."""
    return Phase.IN_SERVICE


def assemble(
    ec2: Any,
    balancers: tuple[LoadBalancer, ...],
    groups: tuple[TargetGroup, ...],
    phase: Callable[[str], Phase] = in_service,
) -> Balancing:
    """Join what is known of load balancing with what EC2 says now."""
    nodes = interfaces(ec2, *INTERFACES, phase=phase)
    return Balancing(
        balancers=balancers,
        groups=_with_addresses(ec2, groups, balancers, nodes),
        nodes=tuple(nodes.items()),
    )


def _with_addresses(
    ec2: Any,
    groups: tuple[TargetGroup, ...],
    balancers: Iterable[LoadBalancer],
    nodes: Mapping[str, tuple[Eni, ...]],
) -> tuple[TargetGroup, ...]:
    """Give targets that are ALBs or instances the addresses they have now.

    An ALB's are those of its nodes in service: one that leaves gets no new flows.
    """
    if all(group.target_type == "ip" for group in groups):
        return groups
    found = {
        balancer.arn: tuple(
            (one.address, one.zone)
            for one in nodes.get(balancer.description, ())
            if one.phase is Phase.IN_SERVICE
        )
        for balancer in balancers
    }
    if any(group.target_type == "instance" for group in groups):
        found |= _instances(ec2)

    def addressed(targets: Iterable[Target]) -> tuple[Target, ...]:
        return tuple(replace(one, addresses=found.get(one.key.id, ())) for one in targets)

    return tuple(
        group
        if group.target_type == "ip"
        else replace(group, targets=addressed(group.targets), draining=addressed(group.draining))
        for group in groups
    )


def _instances(ec2: Any) -> dict[str, tuple[tuple[str, str], ...]]:
    return {
        one["InstanceId"]: ((one["PrivateIpAddress"], one["Placement"]["AvailabilityZone"]),)
        for reservation in ec2.describe_instances()["Reservations"]
        for one in reservation["Instances"]
        if one.get("PrivateIpAddress")
    }


def interfaces(
    ec2: Any, *descriptions: str, phase: Callable[[str], Phase] = in_service
) -> dict[str, tuple[Eni, ...]]:
    """Return the interfaces whose descriptions match, by description."""
    found: dict[str, list[Eni]] = {}
    described = ec2.describe_network_interfaces(
        Filters=[{"Name": "description", "Values": list(descriptions)}]
    )["NetworkInterfaces"]
    for one in described:
        eni = Eni(
            one["NetworkInterfaceId"],
            one["AvailabilityZone"],
            one["PrivateIpAddress"],
            one["SubnetId"],
            tuple(sorted(group["GroupId"] for group in one["Groups"])),
            phase(one["NetworkInterfaceId"]),
        )
        found.setdefault(one["Description"], []).append(eni)
    return {description: tuple(enis) for description, enis in found.items()}
