"""The Availability Zones of the provider, by their ids: names mean other places in another account.

https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.config import Config


def zones(ec2: Any, config: Config) -> Mapping[str, str]:
    """Return the names of the application's zones by their ids.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.
    """
    if config.network.vpc_id:
        found = ec2.describe_subnets(SubnetIds=[*config.network.app_subnets])["Subnets"]
        return {subnet["AvailabilityZoneId"]: subnet["AvailabilityZone"] for subnet in found}
    # What Fn::GetAZs answers in the templates: the zones with a default subnet, or all if none has one.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html
    there = ec2.describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
        ]
    )["AvailabilityZones"]
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    having = {subnet["AvailabilityZone"] for subnet in default["Subnets"]}
    named = {zone["ZoneName"]: zone["ZoneId"] for zone in there}
    chosen = sorted(name for name in named if not having or name in having)
    return {named[name]: name for name in chosen[: config.network.zones]}
