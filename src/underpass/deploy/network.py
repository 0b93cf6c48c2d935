"""What a deployment looks up for the foundation's network: ids that depend on the target and the region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.blueprint import Stack
from underpass.blueprint.foundation.network.vpc import (
    DYNAMODB,
    DYNAMODB_PREFIX_LIST,
    S3_PREFIX_LIST,
    zone_name,
)
from underpass.config import Config
from underpass.deploy.target import Target
from underpass.errors import UnderpassError

_PREFIX_LISTS = {S3_PREFIX_LIST: ("S3", "s3"), DYNAMODB_PREFIX_LIST: ("DynamoDB", DYNAMODB)}


def located(config: Config, target: Target) -> Config:
    """Return the configuration with the network, and what else is there already, as on the target."""
    config = config.model_copy(update={"network": target.stand_in_network(config)})
    return target.stand_ins(config)


def supplied(config: Config, target: Target, *, make: bool) -> tuple[Config, tuple[str, ...]]:
    """Return the configuration with the secrets and policies of the target, and what to tell of them."""
    service, notes = target.stand_in_service(config, make=make)
    return config.model_copy(update={"service": service}), notes


def parameters(ec2: Any, stack: Stack, region: str, zones: Mapping[str, str]) -> dict[str, str]:
    """Return the values of those of the stack's parameters that only the region knows.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.
    zones
        The names of the application's zones by their ids.

    Raises
    ------
    UnderpassError
        When the region has no such prefix list.
    """
    asked = stack.template.get("Parameters", {})
    known = {name: zone for name, zone in named(zones).items() if name in asked}
    lists = {
        name: _prefix_list(ec2, region, *_PREFIX_LISTS[name])
        for name in _PREFIX_LISTS
        if name in asked
    }
    return known | lists


def named(zones: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the application's zones by the parameters they are given as."""
    return {zone_name(number): zone for number, zone in enumerate(zones.values(), start=1)}


def _prefix_list(ec2: Any, region: str, service: str, name: str) -> str:
    name = f"com.amazonaws.{region}.{name}"
    found = ec2.describe_managed_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [name]}]
    )["PrefixLists"]
    if not found:
        raise UnderpassError(
            f"the addresses of {service} are unknown",
            f"EC2 lists no prefix list {name} in {region}",
            "check [region], or whether the caller may do ec2:DescribeManagedPrefixLists",
        )
    return str(found[0]["PrefixListId"])
