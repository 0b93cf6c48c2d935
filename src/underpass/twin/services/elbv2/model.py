"""Load balancers and target groups as the API describes them, in values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from underpass.twin.services.elbv2.health import HealthCheck, TargetKey

ALL_ZONES = "all"  # the zone of a target outside the VPC, as the API writes it


class Phase(StrEnum):
    """Where a load balancer's node is in its life. One that leaves is in no DNS answer and still serves."""

    IN_SERVICE = "in service"
    LEAVING = "leaving"
    DETACHED = "detached"


@dataclass(frozen=True)
class Eni:
    """An address in an Availability Zone, on an interface of the twin; ``groups`` are its security groups.

    ``phase`` matters for load balancers' nodes only.
    """

    interface_id: str
    zone: str
    address: str
    subnet_id: str = ""
    groups: tuple[str, ...] = ()
    phase: Phase = Phase.IN_SERVICE


@dataclass(frozen=True)
class Target:
    """A registered target and the addresses it stands for, each with its zone.

    An address or an instance has one; an ALB that is a target has one for each of its nodes.
    """

    key: TargetKey
    addresses: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TargetGroup:
    """A target group: the targets that are registered, and those that drain.

    ``version`` is what an ALB speaks to the targets: HTTP1, HTTP2 or GRPC. ``cross_zone`` None leaves the
    choice to the load balancer. ``sticky_s`` 0 is no stickiness; ``sticky_cookie`` is the application's
    cookie that it follows, empty for the ALB's own. ``drain_s`` is in AWS's time. ``cuts_unhealthy`` and
    ``cuts_drained`` say whose flows an NLB ends.
    """

    arn: str
    protocol: str
    check: HealthCheck
    target_type: str = "ip"
    targets: tuple[Target, ...] = ()
    draining: tuple[Target, ...] = ()
    drain_s: float = 300
    cuts_unhealthy: bool = True
    cuts_drained: bool = False
    algorithm: str = "round_robin"
    cross_zone: bool | None = None
    sticky_s: int = 0
    sticky_cookie: str = ""
    version: str = "HTTP1"


@dataclass(frozen=True)
class Forward:
    """Send requests or flows to target groups, by weight."""

    groups: tuple[tuple[str, int], ...]  # (ARN, weight)


@dataclass(frozen=True)
class FixedResponse:
    """Answer without any target."""

    status: int
    content_type: str = ""
    body: str = ""


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere; ``#{host}`` and the like stand for parts of the request."""

    status: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


Action = Forward | FixedResponse | Redirect


@dataclass(frozen=True)
class Condition:
    """What a rule looks at: a field of the request, and the patterns of which one must match."""

    field: str
    patterns: tuple[str, ...]
    header: str = ""


@dataclass(frozen=True)
class Rule:
    """A listener rule; the default rule has no conditions and comes last."""

    action: Action
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Listener:
    """A listener."""

    port: int
    protocol: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class LoadBalancer:
    """A load balancer: where it should have nodes, and what its listeners do.

    ``subnets`` are (subnet id, zone, the address asked for or "").
    """

    arn: str
    name: str
    dns_name: str
    kind: str  # "network" or "application"
    state: str
    groups: tuple[str, ...]
    subnets: tuple[tuple[str, str, str], ...]
    listeners: tuple[Listener, ...] = ()
    cross_zone: bool = False
    idle_s: int = 60
    keep_alive_s: int = 3600
    enforces_inbound: bool = False
    drops_invalid_headers: bool = False

    @property
    def description(self) -> str:
        """What AWS writes on its nodes' interfaces."""
        return f"ELB {self.arn.partition(':loadbalancer/')[2]}"


@dataclass(frozen=True)
class Balancing:
    """Everything the API says at one moment about balancing traffic.

    ``nodes`` are the load balancers' interfaces by their description, of load balancers that are gone too;
    ``zones`` are the names of hosted zones.
    """

    balancers: tuple[LoadBalancer, ...] = ()
    groups: tuple[TargetGroup, ...] = ()
    nodes: tuple[tuple[str, tuple[Eni, ...]], ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def certified(self) -> tuple[str, ...]:
        """The names HTTPS listeners' certificate must be good for; none without such a listener."""
        if not any(one.protocol == "HTTPS" for each in self.balancers for one in each.listeners):
            return ()
        balancers = tuple(balancer.dns_name for balancer in self.balancers)
        return tuple(name for zone in self.zones for name in (zone, f"*.{zone}")) + balancers

    def nodes_of(self, balancer: LoadBalancer) -> tuple[Eni, ...]:
        """Return a load balancer's nodes."""
        return dict(self.nodes).get(balancer.description, ())

    def group(self, arn: str) -> TargetGroup | None:
        """Return a target group."""
        return next((group for group in self.groups if group.arn == arn), None)
