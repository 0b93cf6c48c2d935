"""Endpoints and what they lead to, in values."""

from __future__ import annotations

from dataclasses import dataclass

from underpass.twin.services.ec2.model import Rule
from underpass.twin.services.elbv2.model import Eni, LoadBalancer


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint; ``balancers`` are the NLBs of its service, none for AWS's own services."""

    id: str
    vpc_id: str
    state: str
    service: str
    balancers: tuple[str, ...]
    enis: tuple[Eni, ...]
    names: tuple[str, ...]  # regional, one per zone, then the private name if there is one


@dataclass(frozen=True)
class Endpoints:
    """What EC2 says of PrivateLink at one moment.

    ``inbound`` are the inbound rules, by id, of the security groups that NLBs enforce on its traffic.
    """

    endpoints: tuple[Endpoint, ...] = ()
    inbound: tuple[tuple[str, tuple[Rule, ...]], ...] = ()


@dataclass(frozen=True)
class Connection:
    """One endpoint interface and the node it should reach."""

    endpoint: Endpoint
    eni: Eni
    balancer: LoadBalancer
    node: Eni

    @property
    def key(self) -> str:
        """The name of the link between them."""
        return f"{self.eni.interface_id}:{self.node.interface_id}"


@dataclass(frozen=True)
class ServiceConnection:
    """One endpoint interface of a service of AWS's own."""

    endpoint: Endpoint
    eni: Eni

    @property
    def key(self) -> str:
        """The name of the link to the service."""
        return f"{self.eni.interface_id}:{self.endpoint.service}"
