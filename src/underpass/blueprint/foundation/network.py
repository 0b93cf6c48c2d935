"""The VPC, its application and data subnets with their route tables, and the tasks' security group."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import GetAtt, GetAZs, Join, Parameter, Ref, Select, Tags, Template
from troposphere.ec2 import (
    VPC,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetRouteTableAssociation,
)

from underpass.blueprint.addresses import Zone, zones
from underpass.blueprint.exports import export
from underpass.blueprint.security_groups import group_id, security_group, tcp, to_the_web
from underpass.config import Config

S3_PREFIX_LIST = "S3PrefixListId"


@dataclass(frozen=True)
class Network:
    """What the other parts of the foundation attach to; tuples are in the order of the zones."""

    vpc: VPC
    app_subnets: tuple[Subnet, ...]
    app_route_tables: tuple[RouteTable, ...]
    data_subnets: tuple[Subnet, ...]
    task_group: SecurityGroup


def add(template: Template, config: Config) -> Network:
    """Add the VPC with its private subnets; what leads out of them is ``egress``'s part."""
    vpc = template.add_resource(
        VPC(
            "Vpc",
            CidrBlock=str(config.network.cidr),
            EnableDnsSupport=True,
            EnableDnsHostnames=True,
            Tags=Tags(Name=config.name),
        )
    )
    app_subnets, app_tables, data_subnets = [], [], []
    data_table = route_table(template, config, vpc, "DataRouteTable")  # no way out, in any zone
    for zone in zones(config):
        app_subnets.append(subnet(template, config, vpc, zone, "App"))
        app_tables.append(route_table(template, config, vpc, f"AppRouteTable{zone.number}"))
        associate(template, app_subnets[-1], app_tables[-1])
        data_subnets.append(subnet(template, config, vpc, zone, "Data"))
        associate(template, data_subnets[-1], data_table)
    network = Network(
        vpc,
        tuple(app_subnets),
        tuple(app_tables),
        tuple(data_subnets),
        security_group(
            template,
            "TaskSecurityGroup",
            Ref(vpc),
            "Tasks of the application",
            egress=_egress(template, config),
        ),
    )
    export(template, config, "VpcId", Ref(vpc))
    export(template, config, "VpcCidr", GetAtt(vpc, "CidrBlock"))
    export(template, config, "AppSubnetIds", joined(network.app_subnets))
    export(template, config, "DataSubnetIds", joined(network.data_subnets))
    export(template, config, "TaskSecurityGroupId", group_id(network.task_group))
    return network


def _egress(template: Template, config: Config) -> list[SecurityGroupRule]:
    """Return the ways out that the tasks' group is made with; the stores add theirs."""
    if config.network.egress == "nat":
        return to_the_web()
    prefixes = template.add_parameter(
        Parameter(
            S3_PREFIX_LIST,
            Type="String",
            AllowedPattern="pl-[0-9a-f]+",
            Description="S3's addresses in the region: the prefix list named com.amazonaws.REGION.s3",
        )
    )
    export(template, config, S3_PREFIX_LIST, Ref(prefixes))
    return [tcp(443, "S3, by its gateway endpoint", DestinationPrefixListId=Ref(prefixes))]


def subnet(template: Template, config: Config, vpc: VPC, zone: Zone, tier: str) -> Subnet:
    """Add the subnet of ``tier`` ("Public", "App" or "Data") in ``zone``."""
    return template.add_resource(
        Subnet(
            f"{tier}Subnet{zone.number}",
            VpcId=Ref(vpc),
            CidrBlock=str(getattr(zone, tier.lower())),
            AvailabilityZone=Select(zone.number - 1, GetAZs("")),
            MapPublicIpOnLaunch=False,
            Tags=Tags(Name=f"{config.name}-{tier.lower()}-{zone.number}"),
        )
    )


def route_table(template: Template, config: Config, vpc: VPC, title: str) -> RouteTable:
    """Add a route table with nothing but the VPC's own route."""
    return template.add_resource(
        RouteTable(title, VpcId=Ref(vpc), Tags=Tags(Name=f"{config.name}-{title}"))
    )


def associate(template: Template, subnet: Subnet, table: RouteTable) -> None:
    """Make ``subnet`` use ``table``."""
    template.add_resource(
        SubnetRouteTableAssociation(
            f"{subnet.title}RouteTableAssociation", SubnetId=Ref(subnet), RouteTableId=Ref(table)
        )
    )


def joined(subnets: tuple[Subnet, ...]) -> Join:
    """Return the subnets' ids as an output can hold them."""
    return Join(",", [Ref(subnet) for subnet in subnets])
