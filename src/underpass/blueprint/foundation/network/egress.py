"""The ways out of the application subnets: a NAT gateway per zone, or VPC endpoints and nothing else."""

from __future__ import annotations

import re

from troposphere import GetAtt, Join, Ref, Sub, Tags, Template
from troposphere.ec2 import (
    EIP,
    InternetGateway,
    NatGateway,
    Route,
    SecurityGroupEgress,
    Subnet,
    VPCEndpoint,
    VPCGatewayAttachment,
)

from underpass.blueprint.addresses import ANYWHERE, zones
from underpass.blueprint.cross_stack import hand
from underpass.blueprint.foundation.network import endpoints
from underpass.blueprint.foundation.network.vpc import (
    DYNAMODB,
    Network,
    associate,
    route_table,
    subnet,
)
from underpass.blueprint.security_groups import destination, group_id, reach, security_group, tcp
from underpass.config import Config


def add(template: Template, config: Config, network: Network) -> None:
    """Add the ways out the configuration asks for. An existing VPC has its own, and gets rules only."""
    _add_ways_out(template, config, network)
    if config.network.vpc_id:
        return
    if config.network.egress == "nat":
        add_nat(template, config, network)
    else:
        add_endpoints(template, config, network)


def add_nat(template: Template, config: Config, network: Network) -> None:
    """Add public subnets with a NAT gateway each; a zone's tasks leave through their own zone's."""
    gateway = template.add_resource(InternetGateway("InternetGateway", Tags=Tags(Name=config.name)))
    attachment = template.add_resource(
        VPCGatewayAttachment(
            "InternetGatewayAttachment", VpcId=Ref(network.vpc), InternetGatewayId=Ref(gateway)
        )
    )
    table = route_table(template, config, network.vpc, "PublicRouteTable")
    template.add_resource(
        Route(
            "PublicDefaultRoute",
            RouteTableId=Ref(table),
            DestinationCidrBlock=ANYWHERE,
            GatewayId=Ref(gateway),
            DependsOn=attachment.title,
        )
    )
    public = []
    for zone, app_table in zip(zones(config), network.app_route_tables, strict=True):
        public.append(subnet(template, config, network.vpc, zone, "Public"))
        associate(template, public[-1], table)
        nat = _nat_gateway(template, config, public[-1], zone.number, attachment)
        hand(template, f"NatGatewayId{zone.number}", Ref(nat))
        template.add_resource(
            Route(
                f"AppDefaultRoute{zone.number}",
                RouteTableId=Ref(app_table),
                DestinationCidrBlock=ANYWHERE,
                NatGatewayId=Ref(nat),
            )
        )
    # Layers and assets then need no gateway that is paid by the gigabyte; S3's endpoint costs nothing.
    _add_gateway(template, network, "s3")
    hand(template, "PublicSubnetIds", Join(",", [Ref(subnet) for subnet in public]))


def _nat_gateway(
    template: Template,
    config: Config,
    public: Subnet,
    number: int,
    attachment: VPCGatewayAttachment,
) -> NatGateway:
    tags = Tags(Name=f"{config.name}-nat-{number}")
    address = template.add_resource(
        EIP(f"NatAddress{number}", Domain="vpc", Tags=tags, DependsOn=attachment.title)
    )
    return template.add_resource(
        NatGateway(
            f"NatGateway{number}",
            AllocationId=GetAtt(address, "AllocationId"),
            SubnetId=Ref(public),
            Tags=tags,
            # Until the internet gateway is attached a NAT gateway fails to start.
            DependsOn=attachment.title,
        )
    )


def add_endpoints(template: Template, config: Config, network: Network) -> None:
    """Add endpoints to the AWS services the tasks need; there is no internet gateway and no NAT."""
    group = security_group(
        template,
        "EndpointSecurityGroup",
        Ref(network.vpc),
        "Endpoints of AWS services",
        ingress=[
            tcp(443, "Tasks and container instances", CidrIp=str(zone.app))
            for zone in zones(config)
        ],
    )
    for service in endpoints.services(config):
        policy = endpoints.policy(service)
        template.add_resource(
            VPCEndpoint(
                f"{service.title}Endpoint",
                VpcEndpointType="Interface",
                ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service.name}"),
                VpcId=Ref(network.vpc),
                SubnetIds=list(network.app_subnet_ids),
                SecurityGroupIds=[group_id(group)],
                PrivateDnsEnabled=True,
                **({"PolicyDocument": policy} if policy else {}),
            )
        )
    _add_gateway(template, network, "s3", PolicyDocument=endpoints.s3_policy(config))
    if DYNAMODB in config.network.endpoints:
        _add_gateway(template, network, DYNAMODB)
    tasks = group_id(network.task_group)
    reach(template, "TaskEgressToEndpoints", tasks, 443, group_id(group), "AWS APIs")
    hand(template, "EndpointSecurityGroupId", group_id(group))


def _add_gateway(template: Template, network: Network, service: str, **policy: object) -> None:
    """Add a gateway endpoint, which is a route in the app subnets' tables; without a policy it is open."""
    template.add_resource(
        VPCEndpoint(
            f"{service.capitalize()}Endpoint",
            VpcEndpointType="Gateway",
            ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"),
            VpcId=Ref(network.vpc),
            RouteTableIds=[Ref(table) for table in network.app_route_tables],
            **policy,
        )
    )


def _add_ways_out(template: Template, config: Config, network: Network) -> None:
    """Add a rule for each of ``allow_out``, called by what it opens: the order may change."""
    for way in config.network.allow_out:
        (peer,) = way.peers
        template.add_resource(
            SecurityGroupEgress(
                f"TaskEgress{way.port}To{re.sub('[^0-9a-z]', 'x', peer)}",
                GroupId=group_id(network.task_group),
                IpProtocol="tcp",
                FromPort=way.port,
                ToPort=way.port,
                Description="[network] allow_out",
                **destination(way),
            )
        )
