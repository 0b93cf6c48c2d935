"""The application's Availability Zones: chosen at its first deployment, and kept from then on.

A subnet cannot move to another zone, so the zones of the subnets that stand decide. A name means another
place in another account, so what is written and compared are ids.
https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from underpass.config import Config
from underpass.deploy.preflight.vpcs import subnets
from underpass.deploy.stacks import stack as existing
from underpass.deploy.target import Target
from underpass.errors import UsageError


def application(config: Config, target: Target) -> Mapping[str, str]:
    """Return the names of the zones by their ids, in the order of the subnets.

    Of an application that stands they may be more than ``[network] zones``: the others are on their way out.

    Raises
    ------
    UsageError
        When there are not enough zones, one is unknown, or the subnets would have to move.
    """
    ec2, network = target.client("ec2"), config.network
    if network.vpc_id:
        return _zones(subnets(ec2, network.app_subnets, network.vpc_id, "[network]"))
    foundation = existing.describe(target.client("cloudformation"), f"{config.name}-foundation")
    standing = _standing(ec2, foundation) if foundation else {}
    _stay(config, standing)
    if len(standing) >= network.zones:
        return standing
    there = _available(ec2)
    more = _pinned(config, there) if network.zone_ids else _suitable(config, target, there)
    new = [zone for zone in more if zone not in standing][: network.zones - len(standing)]
    if len(standing) + len(new) < network.zones:
        _refuse_too_few(config, there, more)
    return {**standing, **{zone: there[zone] for zone in new}}


def _standing(ec2: Any, foundation: existing.Description) -> dict[str, str]:
    """Return the zones of the subnets, those on their way out among them: their blocks are still taken."""
    outputs, given = foundation.outputs, foundation.parameters
    if "AppSubnetIds" not in outputs:  # a stack that failed, or is only under review
        return {}
    ids = outputs["AppSubnetIds"].split(",")
    found = _zones(subnets(ec2, ids, outputs["VpcId"], "the foundation"))
    named = [given[name] for name in sorted(given) if name.startswith("Zone")]
    if leaving := [name for name in named if name not in found.values()]:
        found |= {zone: name for zone, name in _available(ec2).items() if name in leaving}
    return found


def _zones(found: Iterable[Any]) -> dict[str, str]:
    return {subnet["AvailabilityZoneId"]: subnet["AvailabilityZone"] for subnet in found}


def _available(ec2: Any) -> dict[str, str]:
    """Return the region's zones, but for those the account does not have and local ones, by their names."""
    there = ec2.describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
        ]
    )["AvailabilityZones"]
    named = {zone["ZoneId"]: zone["ZoneName"] for zone in there}
    return dict(sorted(named.items(), key=lambda pair: pair[1]))


def _stay(config: Config, standing: Mapping[str, str]) -> None:
    """Refuse zones that would move a subnet: the new one would need its block before the old one is gone."""
    wanted = config.network.zone_ids
    kept = [*standing][: config.network.zones]
    if wanted and not {*kept} <= {*wanted}:
        raise UsageError(
            "the subnets cannot move to other Availability Zones",
            f"they are in {', '.join(kept)}, and [network] zone_ids says {', '.join(wanted)}; a subnet "
            "stays in its zone, and no other can have its addresses before it is gone",
            f"write zone_ids = {json.dumps(kept)}, or deploy under another `name`",
        )


def _pinned(config: Config, there: Mapping[str, str]) -> Sequence[str]:
    for zone in config.network.zone_ids:
        if zone not in there:
            raise UsageError(
                f"there is no Availability Zone {zone} for this account",
                f"in {config.region} it has {', '.join(there)}",
                "change zone_ids in [network]",
            )
    return config.network.zone_ids


def _suitable(config: Config, target: Target, there: Mapping[str, str]) -> Sequence[str]:
    """Return the zones that offer the instances; first those that most consumers have a subnet in."""
    offered = [*there]
    if config.capacity.provider == "ec2":
        where = offering(target.client("ec2"), config.capacity.instance_type)
        # Where no zone has it the check of the capacity says more.
        offered = [zone for zone in there if zone in where] or offered
    if target.self_contained:
        return offered
    shared: Counter[str] = Counter()
    for consumer in config.consumers:
        if consumer.subnet_ids:
            theirs, section = target.client("ec2", consumer), f"[[consumers]] {consumer.name}"
            found = subnets(theirs, consumer.subnet_ids, consumer.vpc_id or "", section)
            shared.update(_zones(found).keys())
    best = sorted(offered, key=lambda zone: -shared[zone])
    return sorted(best[: config.network.zones], key=offered.index) + best[config.network.zones :]


def offering(ec2: Any, instance_type: str) -> set[str]:
    """Return the ids of the zones that offer an instance type."""
    offers = ec2.describe_instance_type_offerings(
        LocationType="availability-zone-id",
        Filters=[{"Name": "instance-type", "Values": [instance_type]}],
    )["InstanceTypeOfferings"]
    return {offer["Location"] for offer in offers}


def _refuse_too_few(config: Config, there: Mapping[str, str], usable: Sequence[str]) -> None:
    enough = len(there) >= config.network.zones
    kind = config.capacity.instance_type
    raise UsageError(
        f"{config.region} has no {config.network.zones} Availability Zones "
        + (f"that offer {kind}" if enough else "for this account"),
        f"it has {', '.join(usable if enough else there)}",
        "choose another [capacity] instance_type" if enough else "write zones = 2 in [network]",
    )
