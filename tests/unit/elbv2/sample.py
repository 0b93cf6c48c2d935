"""Load balancers, groups and targets as values, and any of them for hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st

from underpass.twin.services.elbv2.health import (
    FAILED,
    HEALTHY,
    INITIAL,
    CheckKey,
    Health,
    HealthCheck,
    TargetKey,
)
from underpass.twin.services.elbv2.model import (
    Balancing,
    Eni,
    Forward,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
)

ZONES = ("a", "b", "c")
ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012"
CHECK = HealthCheck(
    protocol="HTTP",
    port=0,
    path="/healthz",
    matcher="200-399",
    interval_s=30,
    timeout_s=5,
    healthy_threshold=3,
    unhealthy_threshold=2,
)


def group(
    name: str, targets: Iterable[tuple[str, str]] = (), port: int = 80, **more: Any
) -> TargetGroup:
    """Return a target group of (address, zone)."""
    arn = f"{ARN}:targetgroup/{name}/0123456789abcdef"
    return TargetGroup(
        arn=arn,
        protocol=more.pop("protocol", "TCP"),
        check=CHECK,
        targets=tuple(target(arn, address, zone, port) for address, zone in targets),
        **more,
    )


def target(arn: str, address: str, zone: str, port: int = 80) -> Target:
    """Return a target that is an address."""
    return Target(TargetKey(arn, address, port), ((address, zone),))


def balancer(
    kind: str, *groups: TargetGroup, zones: Iterable[str] = ZONES[:2], **more: Any
) -> LoadBalancer:
    """Return a load balancer with a listener for each group, on ports 80, 81 and so on."""
    path = "net" if kind == "network" else "app"
    return LoadBalancer(
        arn=f"{ARN}:loadbalancer/{path}/notes/fedcba9876543210",
        name="notes",
        dns_name="notes.elb.us-east-1.amazonaws.com",
        kind=kind,
        state="active",
        groups=("sg-1",),
        subnets=tuple((f"subnet-{zone}", zone, "") for zone in zones),
        listeners=tuple(
            Listener(
                port=80 + number,
                protocol="TCP" if kind == "network" else "HTTP",
                rules=(Rule(Forward(((one.arn, 1),))),),
            )
            for number, one in enumerate(groups)
        ),
        **more,
    )


def node(zone: str, kind: str = "net") -> Eni:
    """Return a node in a zone."""
    return Eni(f"eni-{kind}-{zone}", zone, f"10.20.{ZONES.index(zone)}.250", f"subnet-{zone}")


def balancing(one: LoadBalancer, *groups: TargetGroup, **more: Any) -> Balancing:
    """Return a load balancer with a node in each of its zones."""
    nodes = tuple(node(zone) for _, zone, _ in one.subnets)
    return Balancing(balancers=(one,), groups=groups, nodes=((one.description, nodes),), **more)


def healthy(*addresses: str) -> Callable[[CheckKey], Health]:
    """Return what checks see when only these addresses are well."""
    return lambda check: HEALTHY if check.address in addresses else FAILED


addresses = st.integers(0, 200).flatmap(
    lambda number: st.sampled_from([f"10.20.{zone}.{number}" for zone in range(3)])
)
placed = st.dictionaries(addresses, st.sampled_from([*ZONES, "all"]), max_size=12)
healths = st.sampled_from([HEALTHY, FAILED, INITIAL])
