"""Consumers on the twin: for each one a VPC of its own, with a client host the user can work from.

In AWS the consumer's VPC is there already. The twin makes one through the EC2 API, so that every
``describe_*`` shows it, and tags what it makes so that a second run finds it. The first of the consumer's
blocks is the VPC's. Of further ones, which in AWS are the VPC's own or those of networks behind it, a part is
added to the VPC, with a client host of its own: the place ``consumer/NAME/BLOCK``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from underpass.errors import UsageError
from underpass.twin.region.aws import Clients

TAG = "underpass:consumer"
PLACE_TAG = "underpass:place"
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

_MOST_BLOCKS = 5  # of a VPC
_PART = 28  # the smallest subnet


@dataclass(frozen=True)
class ConsumerVpc:
    """A consumer's VPC: one subnet in each of the provider's zones."""

    vpc_id: str
    subnet_ids: tuple[str, ...]


def ensure(
    clients: Clients, name: str, networks: Sequence[IPv4Network], zones: Sequence[str]
) -> ConsumerVpc:
    """Return the consumer's VPC, made first where it is missing.

    Parameters
    ----------
    clients
        The twin's API.
    name
        The consumer's name; its client host is the place ``consumer/NAME``.
    networks
        Its blocks; the first is the VPC's.
    zones
        The Availability Zones, by name.

    Raises
    ------
    UsageError
        When the VPC is there and has other addresses: nothing can change those.
    """
    ec2, cidr = clients("ec2"), networks[0]
    found = ec2.describe_vpcs(Filters=[{"Name": f"tag:{TAG}", "Values": [name]}])["Vpcs"]
    if found and found[0]["CidrBlock"] != str(cidr):
        raise UsageError(
            f"the VPC of consumer {name} is there already",
            f"it has {found[0]['CidrBlock']}, and the addresses of a VPC cannot change to {cidr}",
            "run `underpass down`, then `underpass up`",
        )
    vpc_id = found[0]["VpcId"] if found else _make_vpc(ec2, name, cidr)
    existing = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
    by_zone = {
        subnet["AvailabilityZone"]: subnet["SubnetId"]
        for subnet in existing
        if IPv4Network(subnet["CidrBlock"]).subnet_of(cidr)
    }
    blocks = list(cidr.subnets(prefixlen_diff=2))  # room for the three zones a network may have
    for position, zone in enumerate(zones):
        if zone not in by_zone:
            by_zone[zone] = ec2.create_subnet(
                VpcId=vpc_id,
                CidrBlock=str(blocks[position]),
                AvailabilityZone=zone,
                TagSpecifications=_tags("subnet", name),
            )["Subnet"]["SubnetId"]
    subnets = tuple(by_zone[zone] for zone in zones)
    _ensure_client(clients, name, f"consumer/{name}", vpc_id, subnets[0])
    for network in networks[1:_MOST_BLOCKS]:
        if part := _part_of(ec2, name, vpc_id, network, zones[0]):
            _ensure_client(clients, name, f"consumer/{name}/{network}", vpc_id, part)
    return ConsumerVpc(vpc_id, subnets)


def dismiss(clients: Clients, kept: Collection[str]) -> None:
    """Delete what was made for every consumer but those ``kept``; their endpoints must be gone."""
    ec2 = clients("ec2")
    for vpc in ec2.describe_vpcs(Filters=[{"Name": "tag-key", "Values": [TAG]}])["Vpcs"]:
        tags = {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}
        if tags[TAG] not in kept:
            _delete(ec2, vpc["VpcId"])


def _delete(ec2: Any, vpc_id: str) -> None:
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
    reservations = ec2.describe_instances(Filters=inside)["Reservations"]
    instances = [one["InstanceId"] for found in reservations for one in found["Instances"]]
    if instances:
        ec2.terminate_instances(InstanceIds=instances)
    for group in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]:
        if group["GroupName"] != "default":  # which goes with its VPC
            ec2.delete_security_group(GroupId=group["GroupId"])
    for subnet in ec2.describe_subnets(Filters=inside)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc_id)


def _make_vpc(ec2: Any, name: str, cidr: IPv4Network) -> str:
    vpc_id: str = ec2.create_vpc(CidrBlock=str(cidr), TagSpecifications=_tags("vpc", name))["Vpc"][
        "VpcId"
    ]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc_id, **{attribute: {"Value": True}})
    return vpc_id


def _part_of(ec2: Any, name: str, vpc_id: str, network: IPv4Network, zone: str) -> str:
    """Return a subnet in ``network``, made with a block for the VPC if need be; empty where none fits."""
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}]
    subnets = ec2.describe_subnets(Filters=inside)["Subnets"]
    there = {IPv4Network(subnet["CidrBlock"]): subnet["SubnetId"] for subnet in subnets}
    described = ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]["CidrBlockAssociationSet"]
    taken = [IPv4Network(one["CidrBlock"]) for one in described]
    if found := [one for one in there if one in taken and one.subnet_of(network)]:
        return str(there[found[0]])
    if network.prefixlen > _PART:
        return ""
    free = (
        part
        for part in network.subnets(new_prefix=_PART)
        if not any(part.overlaps(block) for block in taken)
    )
    if (part := next(free, None)) is None:  # all of it is the VPC's anyway
        return ""
    ec2.associate_vpc_cidr_block(VpcId=vpc_id, CidrBlock=str(part))
    made = ec2.create_subnet(
        VpcId=vpc_id,
        CidrBlock=str(part),
        AvailabilityZone=zone,
        TagSpecifications=_tags("subnet", name),
    )
    return str(made["Subnet"]["SubnetId"])


def _client_group(ec2: Any, name: str, vpc_id: str) -> str:
    named = {"vpc-id": vpc_id, "group-name": f"{name}-client"}
    filters = [{"Name": key, "Values": [value]} for key, value in named.items()]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    made = (
        found[0]
        if found
        else ec2.create_security_group(
            GroupName=f"{name}-client", Description="The consumer's client hosts", VpcId=vpc_id
        )
    )
    return str(made["GroupId"])


def _ensure_client(clients: Clients, name: str, place: str, vpc_id: str, subnet_id: str) -> None:
    ec2 = clients("ec2")
    alive = [
        {"Name": f"tag:{PLACE_TAG}", "Values": [place]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    if ec2.describe_instances(Filters=alive)["Reservations"]:
        return
    ec2.run_instances(
        ImageId=clients("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        SecurityGroupIds=[_client_group(ec2, name, vpc_id)],
        TagSpecifications=_tags("instance", name, {PLACE_TAG: place}),
    )


def _tags(kind: str, name: str, more: dict[str, str] | None = None) -> list[dict[str, Any]]:
    tags = {"Name": f"{name}-{kind}", TAG: name, **(more or {})}
    return [
        {
            "ResourceType": kind,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
    ]
