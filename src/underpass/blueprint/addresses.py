"""The address plan: how the VPC's block is cut into public, application and data subnets.

What an app subnet may have to hold, with the defaults, when the other zone is lost:

=====================================================  =========
an ALB, which wants 8 free and grows                           8
an NLB, which wants as many                                    8
interface endpoints, with ``egress = "endpoints"``             8
instances, up to ``capacity.instances.max``                    4
tasks, up to ``service.tasks.max``, twice as they roll        12
together                                                      40
a /27 has, without the five that AWS keeps                    27
a /26                                                         59
=====================================================  =========

So app subnets are /26 or larger, and the least VPC is a /23. Public and data subnets hold a NAT gateway, a
database and a mount target.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from underpass.config import Config

ANYWHERE = "0.0.0.0/0"
SLOTS = 4  # room for zones in each tier
SMALLEST_PREFIX = 23


@dataclass(frozen=True)
class Zone:
    """One Availability Zone's share of the VPC; ``number`` counts from 1, as in the logical ids."""

    number: int
    public: IPv4Network
    app: IPv4Network
    data: IPv4Network


def zones(config: Config) -> tuple[Zone, ...]:
    """Return each zone's subnets: sixteenths of the VPC, four of them kept for each tier.

    Going from two zones to three adds subnets and moves none. In the smallest VPC an app subnet is an eighth.

    Raises
    ------
    ValueError
        When the VPC is too small for app subnets of /26.
    """
    cidr = config.network.cidr
    if cidr.prefixlen > SMALLEST_PREFIX:
        raise ValueError(f"network.cidr {cidr} is too small for app subnets of /26")
    sixteenths = tuple(cidr.subnets(4))
    tiers = [sixteenths[at : at + SLOTS] for at in range(0, 3 * SLOTS, SLOTS)]
    if cidr.prefixlen == SMALLEST_PREFIX:
        tiers = [
            sixteenths[2 * SLOTS : 3 * SLOTS],
            tuple(cidr.subnets(3))[:SLOTS],
            sixteenths[3 * SLOTS :],
        ]
    public, app, data = tiers
    return tuple(
        Zone(index + 1, public[index], app[index], data[index])
        for index in range(config.network.zones)
    )
