"""The VPC, its application and data subnets with their route tables, and the tasks' security group."""

from __future__ import annotations

from dataclasses import dataclass

from troposphere import GetAtt, Join, Parameter, Ref, Tags, Template
from troposphere.ec2 import (
    VPC,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetRouteTableAssociation,
)

from underpass.blueprint.addresses import Zone, zones
from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.network import existing
from underpass.blueprint.foundation.network.existing import Made
from underpass.blueprint.security_groups import group_id, security_group, tcp, to_the_web
from underpass.config import Config

S3_PREFIX_LIST, DYNAMODB_PREFIX_LIST = "S3PrefixListId", "DynamodbPrefixListId"
DYNAMODB = "dynamodb"


@dataclass(frozen=True)
class Network:
    """What the other parts of the foundation attach to; tuples are in the order of the zones.

    Attributes
    ----------
    vpc
        The VPC, or the parameter that names it.
    app_subnet_ids, data_subnet_ids
        As a template can say them: references.
    app_route_tables
        None in an existing VPC: its routes are its owner's.
    """

    vpc: VPC | Parameter
    app_subnet_ids: tuple[object, ...]
    app_route_tables: tuple[RouteTable, ...]
    data_subnet_ids: tuple[object, ...]
    task_group: SecurityGroup


def add(template: Template, config: Config) -> Network:
    """Add the network, or name the one there is; what leads out of it is ``egress``'s part."""
    _name_zones(template, config)
    made = existing.add(template, config) if config.network.vpc_id else _vpc(template, config)
    vpc, app_subnets, app_tables, data_subnets = made
    task_group = security_group(
        template,
        "TaskSecurityGroup",
        Ref(vpc),
        "Tasks of the application",
        egress=_egress(template, config),
    )
    cidr = str(config.network.cidr) if config.network.vpc_id else GetAtt(vpc, "CidrBlock")
    hand(template, "VpcId", Ref(vpc))
    hand(template, "VpcCidr", cidr)
    hand(template, "AppSubnetIds", Join(",", list(app_subnets)))
    hand(template, "DataSubnetIds", Join(",", list(data_subnets)))
    hand(template, "TaskSecurityGroupId", group_id(task_group))
    return Network(vpc, app_subnets, app_tables, data_subnets, task_group)


def _name_zones(template: Template, config: Config) -> None:
    """Add a parameter for each zone. What Fn::GetAZs answers may change, and a subnet cannot move.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
    """
    for number in range(1, config.network.zones + 1):
        zone = template.add_parameter(
            Parameter(
                zone_name(number),
                Type="AWS::EC2::AvailabilityZone::Name",
                Description="An Availability Zone, of the app subnet of this number; it never changes",
            )
        )
        hand(template, zone.title, Ref(zone))


def zone_name(number: int) -> str:
    """Return what a zone is called between the stacks; they count from 1."""
    return f"Zone{number}"


def _vpc(template: Template, config: Config) -> Made:
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
    return (
        vpc,
        tuple(Ref(subnet) for subnet in app_subnets),
        tuple(app_tables),
        tuple(Ref(subnet) for subnet in data_subnets),
    )


def _egress(template: Template, config: Config) -> list[SecurityGroupRule]:
    """Return the ways out that the tasks' group is made with; the stores add theirs."""
    if config.network.egress == "nat":
        return to_the_web()
    prefixes = _prefix_list(template, S3_PREFIX_LIST, "S3", "s3")
    hand(template, S3_PREFIX_LIST, prefixes)
    to_s3 = tcp(443, "S3, by its gateway endpoint", DestinationPrefixListId=prefixes)
    if DYNAMODB in config.network.endpoints:
        tables = _prefix_list(template, DYNAMODB_PREFIX_LIST, "DynamoDB", DYNAMODB)
        to_tables = tcp(443, "DynamoDB, by its gateway endpoint", DestinationPrefixListId=tables)
        return [to_s3, to_tables]
    if not config.network.vpc_id:
        return [to_s3]
    # Whose endpoints there are, and in which groups, is not known: any of the VPC's.
    cidr = str(config.network.cidr)
    return [tcp(443, "AWS APIs, by endpoints of the VPC", CidrIp=cidr), to_s3]


def _prefix_list(template: Template, title: str, service: str, name: str) -> Ref:
    """Add the parameter for a gateway endpoint's addresses."""
    told = f"{service}'s addresses in the region: the prefix list named com.amazonaws.REGION.{name}"
    parameter = Parameter(title, Type="String", AllowedPattern="pl-[0-9a-f]+", Description=told)
    return Ref(template.add_parameter(parameter))


def subnet(
    template: Template, config: Config, vpc: VPC | Parameter, zone: Zone, tier: str
) -> Subnet:
    """Add the subnet of ``tier`` ("Public", "App" or "Data") in ``zone``."""
    return template.add_resource(
        Subnet(
            f"{tier}Subnet{zone.number}",
            VpcId=Ref(vpc),
            CidrBlock=str(getattr(zone, tier.lower())),
            AvailabilityZone=Ref(zone_name(zone.number)),
            MapPublicIpOnLaunch=False,
            Tags=Tags(Name=f"{config.name}-{tier.lower()}-{zone.number}"),
        )
    )


def route_table(template: Template, config: Config, vpc: VPC | Parameter, title: str) -> RouteTable:
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
