"""Whether a consumer's VPC can have the endpoint: its addresses, DNS, and zones in common with the provider.

https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.config.model import Consumer
from underpass.deploy.preflight.vpcs import check_vpc, subnets
from underpass.errors import UsageError


def check(ec2: Any, consumer: Consumer, zones: Mapping[str, str] | None) -> None:
    """Refuse a consumer whose endpoint could not be made.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the consumer's account and region.
    zones
        The names of the provider's zones, in its own account, by their ids; None for a consumer in another
        region, where the endpoint may be in any zone.

    Raises
    ------
    UsageError
        With the first thing that is wrong.
    """
    section = f"[[consumers]] {consumer.name}"
    vpc_id = consumer.vpc_id or ""
    key = "cidrs" if consumer.cidrs else "cidr"
    check_vpc(ec2, vpc_id, consumer.blocks[0], section, key)
    found = subnets(ec2, consumer.subnet_ids, vpc_id, section)
    if zones is None:
        return
    outside = [subnet for subnet in found if subnet["AvailabilityZoneId"] not in zones]
    if outside:
        none = len(outside) == len(found)
        named = ", ".join(
            f"{one['SubnetId']} in {one['AvailabilityZoneId']} (there {one['AvailabilityZone']})"
            for one in outside
        )
        ours = ", ".join(f"{zone} (here {name})" for zone, name in sorted(zones.items()))
        raise UsageError(
            f"consumer {consumer.name} has no zone in common with the provider"
            if none
            else f"the endpoint of consumer {consumer.name} cannot be in every subnet it names",
            f"{named}; the provider is in {ours}. Names differ between accounts, ids do not: "
            "https://docs.aws.amazon.com/vpc/latest/privatelink/create-endpoint-service.html",
            f"name subnets in {', '.join(sorted(zones))} in {section}",
        )
