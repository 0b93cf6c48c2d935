"""The address plan: how the VPC's block is cut into public, application and data subnets."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice

from underpass.config import Config

ANYWHERE = "0.0.0.0/0"
TIERS = 3
SMALLEST_PREFIX = 24  # eighths of a /24 are /27, the smallest subnet an ALB may be put in


@dataclass(frozen=True)
class Zone:
    """One Availability Zone's share of the VPC; ``number`` counts from 1, as in the logical ids."""

    number: int
    public: IPv4Network
    app: IPv4Network
    data: IPv4Network


def zones(config: Config) -> tuple[Zone, ...]:
    """Return each zone's subnets: sixteenths of the VPC, four of them kept for each tier.

    Going from two zones to three adds subnets and moves none. A /24 has room for two zones only,
    in eighths.

    Raises
    ------
    ValueError
        When the VPC is too small for subnets of /27.
    """
    cidr = config.network.cidr
    prefix_diff, slots = (4, 4) if cidr.prefixlen < SMALLEST_PREFIX else (3, 2)
    if cidr.prefixlen > SMALLEST_PREFIX or config.network.zones > slots:
        raise ValueError(
            f"network.cidr {cidr} is too small: an ALB needs subnets of /27 or larger, "
            f"and {config.network.zones} zones need {TIERS * config.network.zones} of them"
        )
    blocks = tuple(islice(cidr.subnets(prefix_diff), TIERS * slots))
    public, app, data = (blocks[tier * slots : (tier + 1) * slots] for tier in range(TIERS))
    return tuple(
        Zone(index + 1, public[index], app[index], data[index])
        for index in range(config.network.zones)
    )
