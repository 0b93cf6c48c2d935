"""A consumer's stack: its endpoint, the endpoint's security group, and the name it is reached by.

Usable by itself in another account: it imports nothing, and what it needs to know are its parameters.

Logical ids: Endpoint, EndpointSecurityGroup, HostedZone, HostedZoneRecord.
"""

from __future__ import annotations

from collections.abc import Iterator

from troposphere import GetAtt, Output, Parameter, Ref, Select, Split, Template
from troposphere.ec2 import VPCEndpoint
from troposphere.route53 import AliasTarget, HostedZone, HostedZoneVPCs, RecordSetType

from underpass.blueprint.security_groups import group_id, security_group, tcp
from underpass.blueprint.stack import Stack
from underpass.config import Config
from underpass.config.model import Consumer

_PARAMETERS = {
    "EndpointServiceName": (
        "String",
        "The endpoint service, com.amazonaws.vpce.REGION.vpce-svc-ID",
    ),
    "VpcId": ("AWS::EC2::VPC::Id", "The consumer's VPC; DNS support and DNS host names must be on"),
    "SubnetIds": (
        "List<AWS::EC2::Subnet::Id>",
        "One subnet per zone, in zones (by AZ ID) the endpoint service is offered in",
    ),
}


def consumer_stack(config: Config, consumer: Consumer) -> Stack:
    """Return the stack of one consumer."""
    template = Template(Description=f"{config.name}: private endpoint of a consumer (underpass)")
    for name, (kind, description) in _PARAMETERS.items():
        template.add_parameter(Parameter(name, Type=kind, Description=description))
    for name, default, description in _optional_parameters(config):
        template.add_parameter(
            Parameter(name, Type="String", Default=default, Description=description)
        )
    endpoint = _endpoint(template, config, consumer)
    _name(template, config, endpoint)
    scheme = "https" if config.tls else "http"
    outputs = {
        "EndpointId": Ref(endpoint),
        "EndpointDnsName": _dns_entry(endpoint, 1),
        "Url": f"{scheme}://{config.domain}/",
    }
    for name, value in outputs.items():
        template.add_output(Output(name, Value=value))
    return Stack(
        f"{config.name}-consumer-{consumer.name}",
        template.to_dict(),
        _known_parameters(config, consumer),
        consumer.named_account,
        region=consumer.region or "",
    )


def _optional_parameters(config: Config) -> Iterator[tuple[str, str, str]]:
    if config.other_regions:
        what = "The region of the endpoint service; the stack may be in another one"
        yield "EndpointServiceRegion", config.region, what
    if name := config.privatelink.private_dns_name:
        what = f"true: the endpoint answers to {name} too; EC2 refuses it until that is verified"
        yield "PrivateDnsEnabled", "false", what


def _known_parameters(config: Config, consumer: Consumer) -> dict[str, str]:
    known = {"EndpointServiceRegion": config.region} if config.other_regions else {}
    if config.privatelink.private_dns_name:
        known["PrivateDnsEnabled"] = "true" if consumer.private_dns else "false"
    if consumer.vpc_id:
        known["VpcId"] = consumer.vpc_id
    if consumer.subnet_ids:
        known["SubnetIds"] = ",".join(consumer.subnet_ids)
    return known


def _endpoint(template: Template, config: Config, consumer: Consumer) -> VPCEndpoint:
    group = security_group(
        template,
        "EndpointSecurityGroup",
        Ref("VpcId"),
        f"{config.name} over PrivateLink: its port, for the consumer only",
        ingress=[
            tcp(config.listener_port, "The consumer", CidrIp=str(block))
            for block in consumer.blocks
        ],
    )
    return template.add_resource(
        VPCEndpoint(
            "Endpoint",
            VpcEndpointType="Interface",
            ServiceName=Ref("EndpointServiceName"),
            VpcId=Ref("VpcId"),
            SubnetIds=Ref("SubnetIds"),
            SecurityGroupIds=[group_id(group)],
            # The hosted zone below gives the name; another one only when it is verified.
            PrivateDnsEnabled=(
                Ref("PrivateDnsEnabled") if config.privatelink.private_dns_name else False
            ),
            **({"ServiceRegion": Ref("EndpointServiceRegion")} if config.other_regions else {}),
        )
    )


def _name(template: Template, config: Config, endpoint: VPCEndpoint) -> None:
    # A private zone needs no proof that the domain is ours, as the service's own private DNS name would.
    zone = template.add_resource(
        HostedZone(
            "HostedZone",
            Name=config.domain,
            VPCs=[HostedZoneVPCs(VPCId=Ref("VpcId"), VPCRegion=Ref("AWS::Region"))],
        )
    )
    template.add_resource(
        RecordSetType(
            "HostedZoneRecord",
            HostedZoneId=Ref(zone),
            Name=config.domain,  # the zone's own name: an alias may stand there, a CNAME may not
            Type="A",
            AliasTarget=AliasTarget(
                HostedZoneId=_dns_entry(endpoint, 0),
                DNSName=_dns_entry(endpoint, 1),
            ),
        )
    )


def _dns_entry(endpoint: VPCEndpoint, part: int) -> Select:
    """Return the hosted zone (0) or name (1) of the endpoint's first, regional entry: ``ZONE:NAME``."""
    return Select(part, Split(":", Select(0, GetAtt(endpoint, "DnsEntries"))))
