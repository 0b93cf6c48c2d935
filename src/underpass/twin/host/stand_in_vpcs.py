"""An existing VPC on the twin: what ``[network] vpc_id`` names is there in AWS, so the twin makes its like.

It is made through the EC2 API, with the addresses the configuration names, a subnet for each one it names,
and the way out that ``egress`` says the VPC has; and tagged so that a second run finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from underpass.blueprint.addresses import ANYWHERE
from underpass.blueprint.foundation.network import endpoints
from underpass.config import Config
from underpass.config.model import Network
from underpass.errors import UsageError
from underpass.twin.region.aws import Clients

TAG = "underpass:provider"
TIER = "underpass:tier"
TIERS = ("app", "data")


def ensure(clients: Clients, config: Config) -> Network:
    """Return ``[network]`` with the ids of the VPC, which is made first where it is missing.

    Raises
    ------
    UsageError
        When it is there and has other addresses or another number of subnets: neither can change.
    """
    ec2, network = clients("ec2"), config.network
    found = ec2.describe_vpcs(Filters=[{"Name": f"tag:{TAG}", "Values": [config.name]}])["Vpcs"]
    vpc_id = found[0]["VpcId"] if found else _make(ec2, config)
    subnets = {tier: _subnets(ec2, vpc_id, tier) for tier in TIERS}
    wanted = (str(network.cidr), len(network.app_subnets), len(network.data_subnets))
    if found and (found[0]["CidrBlock"], *map(len, subnets.values())) != wanted:
        raise UsageError(
            "the VPC that stands for [network] vpc_id is there already",
            "it has other addresses or another number of subnets, and the twin does not change them",
            "run `underpass down`, then `underpass up`",
        )
    ids = {f"{tier}_subnets": tuple(found) for tier, found in subnets.items()}
    return network.model_copy(update={"vpc_id": vpc_id, **ids})


def _subnets(ec2: Any, vpc_id: str, tier: str) -> list[str]:
    wanted = {"vpc-id": vpc_id, f"tag:{TIER}": tier}
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    found = ec2.describe_subnets(Filters=filters)["Subnets"]
    return [one["SubnetId"] for one in sorted(found, key=lambda one: one["AvailabilityZone"])]


def _make(ec2: Any, config: Config) -> str:
    network = config.network
    vpc_id: str = ec2.create_vpc(
        CidrBlock=str(network.cidr), TagSpecifications=_tags("vpc", config)
    )["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc_id, **{attribute: {"Value": True}})
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    blocks = network.cidr.subnets(
        prefixlen_diff=3
    )  # three tiers' worth for two zones, two for three
    app = []
    for tier, count in zip(
        TIERS, map(len, (network.app_subnets, network.data_subnets)), strict=True
    ):
        for zone, block in zip(zones, islice(blocks, count), strict=False):
            made = _subnet(ec2, config, vpc_id, zone, str(block), tier)
            app += [made] if tier == "app" else []
    table = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    for subnet in app:
        ec2.associate_route_table(SubnetId=subnet, RouteTableId=table)
    if network.egress == "nat":
        _add_nat(ec2, config, vpc_id, table, zones[0], str(next(blocks)))
    else:
        _add_endpoints(ec2, config, vpc_id, table, app)
    return vpc_id


def _subnet(ec2: Any, config: Config, vpc_id: str, zone: str, block: str, tier: str) -> str:
    subnet_id: str = ec2.create_subnet(
        VpcId=vpc_id,
        CidrBlock=block,
        AvailabilityZone=zone,
        TagSpecifications=_tags("subnet", config, {TIER: tier}),
    )["Subnet"]["SubnetId"]
    return subnet_id


def _add_nat(ec2: Any, config: Config, vpc_id: str, table: str, zone: str, block: str) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    public = _subnet(ec2, config, vpc_id, zone, block, "public")
    outside = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=outside, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    ec2.associate_route_table(SubnetId=public, RouteTableId=outside)
    nat = ec2.create_nat_gateway(
        SubnetId=public, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
    )["NatGateway"]["NatGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, NatGatewayId=nat)


def _add_endpoints(
    ec2: Any, config: Config, vpc_id: str, table: str, subnets: Iterable[str]
) -> None:
    group = ec2.create_security_group(
        GroupName=f"{config.name}-endpoints", Description="Endpoints of AWS services", VpcId=vpc_id
    )["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    inside = {**https, "IpRanges": [{"CidrIp": str(config.network.cidr)}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[inside])
    service = f"com.amazonaws.{config.region}"
    for one in endpoints.services(config):
        ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            ServiceName=f"{service}.{one.name}",
            VpcId=vpc_id,
            SubnetIds=list(subnets),
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
        )
    ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway",
        ServiceName=f"{service}.s3",
        VpcId=vpc_id,
        RouteTableIds=[table],
    )


def _tags(kind: str, config: Config, more: dict[str, str] | None = None) -> list[dict[str, Any]]:
    tags = {"Name": f"{config.name}-{kind}", TAG: config.name, **(more or {})}
    return [
        {
            "ResourceType": kind,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        }
    ]
