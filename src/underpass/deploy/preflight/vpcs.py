"""What EC2 tells of a VPC that is there already, the provider's or a consumer's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from ipaddress import IPv4Network
from typing import Any

from botocore.exceptions import ClientError

from underpass.errors import UsageError

_DNS = ("enableDnsSupport", "enableDnsHostnames")


def check_vpc(ec2: Any, vpc_id: str, cidr: IPv4Network, section: str, key: str = "cidr") -> None:
    """Refuse a VPC that is not there, has other addresses, or has no DNS.

    Parameters
    ----------
    section
        Where the configuration names it, such as ``[network]``.
    key
        The key ``cidr`` stands in.
    """
    try:
        vpc = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]
    except ClientError as error:
        _refuse_missing(error, f"VPC {vpc_id}", f"change vpc_id in {section}")
        raise
    blocks = [vpc["CidrBlock"]] + [
        one["CidrBlock"] for one in vpc.get("CidrBlockAssociationSet", ())
    ]
    if str(cidr) not in blocks:
        raise UsageError(
            f"VPC {vpc_id} does not have the addresses {cidr}",
            f"it has {', '.join(dict.fromkeys(blocks))}",
            f'write cidr = "{blocks[0]}" in {section}'
            if key == "cidr"
            else f'write "{blocks[0]}" first in {key} of {section}',
        )
    for attribute in _DNS:
        told = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=attribute)
        if not told[attribute[0].upper() + attribute[1:]]["Value"]:
            raise UsageError(
                f"VPC {vpc_id} has {attribute} off",
                "an endpoint's names, and those of the load balancers, are not resolved without it: "
                "https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html",
                f"run `aws ec2 modify-vpc-attribute --vpc-id {vpc_id} "
                f"--{'enable-dns-support' if attribute == _DNS[0] else 'enable-dns-hostnames'}`",
            )


def subnets(ec2: Any, ids: Collection[str], vpc_id: str, section: str) -> list[Any]:
    """Return the subnets as EC2 describes them, in the order of ``ids``, each in a zone of its own.

    Raises
    ------
    UsageError
        When one is not there, is another VPC's, or shares its zone with another.
    """
    try:
        found = ec2.describe_subnets(SubnetIds=[*ids])["Subnets"]
    except ClientError as error:
        _refuse_missing(error, "such subnet", f"change the subnets in {section}")
        raise
    by_id = {subnet["SubnetId"]: subnet for subnet in found}
    ordered = [by_id[name] for name in ids]
    for subnet in ordered:
        if subnet["VpcId"] != vpc_id:
            raise UsageError(
                f"subnet {subnet['SubnetId']} is not in VPC {vpc_id}",
                f"it is in {subnet['VpcId']}",
                f"change vpc_id or the subnets in {section}",
            )
    _one_a_zone(ordered, section)
    return ordered


def _one_a_zone(found: Sequence[Any], section: str) -> None:
    seen: dict[str, str] = {}
    for subnet in found:
        zone, name = subnet["AvailabilityZoneId"], subnet["SubnetId"]
        if zone in seen:
            raise UsageError(
                f"subnets {seen[zone]} and {name} are in the same zone",
                f"both are in {subnet['AvailabilityZone']} ({zone}), and each zone has one",
                f"name a subnet of another zone in {section}",
            )
        seen[zone] = name


def _refuse_missing(error: ClientError, what: str, try_next: str) -> None:
    if error.response["Error"]["Code"].endswith(".NotFound"):
        raise UsageError(
            f"there is no {what}", error.response["Error"]["Message"], try_next
        ) from error
