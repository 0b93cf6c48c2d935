"""Consumers on the twin: for each one a VPC of its own, with a client host the user can work from.

In AWS the consumer's VPC is there already. The twin makes one through the EC2 API, so that every
``describe_*`` shows it, and tags what it makes so that a second run finds it.
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


@dataclass(frozen=True)
class ConsumerVpc:
    """A consumer's VPC: one subnet in each of the provider's zones."""

    vpc_id: str
    cidr: str
    subnet_ids: tuple[str, ...]


def ensure(clients: Clients, name: str, cidr: IPv4Network, zones: Sequence[str]) -> ConsumerVpc:
    """Return the consumer's VPC, made first where it is missing.

    Parameters
    ----------
    clients
        The twin's API.
    name
        The consumer's name; its client host is the place ``consumer/NAME``.
    cidr
        The VPC's addresses.
    zones
        The Availability Zones, by name.

    Raises
    ------
    UsageError
        When the VPC is there and has other addresses: nothing can change those.
    """
    ec2 = clients("ec2")
    found = ec2.describe_vpcs(Filters=[{"Name": f"tag:{TAG}", "Values": [name]}])["Vpcs"]
    if found and found[0]["CidrBlock"] != str(cidr):
        raise UsageError(
            f"the VPC of consumer {name} is there already",
            f"it has {found[0]['CidrBlock']}, and the addresses of a VPC cannot change to {cidr}",
            "run `underpass down`, then `underpass up`",
        )
    vpc_id = found[0]["VpcId"] if found else _make_vpc(ec2, name, cidr)
    existing = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
    by_zone = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in existing}
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
    _ensure_client(clients, name, vpc_id, subnets[0])
    return ConsumerVpc(vpc_id, str(cidr), subnets)


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


def _ensure_client(clients: Clients, name: str, vpc_id: str, subnet_id: str) -> None:
    ec2 = clients("ec2")
    place = f"consumer/{name}"
    alive = [
        {"Name": f"tag:{PLACE_TAG}", "Values": [place]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    if ec2.describe_instances(Filters=alive)["Reservations"]:
        return
    group = ec2.create_security_group(
        GroupName=f"{name}-client", Description="The consumer's client host", VpcId=vpc_id
    )["GroupId"]
    ec2.run_instances(
        ImageId=clients("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"],
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        SecurityGroupIds=[group],
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
