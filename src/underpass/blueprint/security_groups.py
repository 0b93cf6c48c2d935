"""Security groups: closed both ways until a rule opens a port to a named peer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network

from troposphere import GetAtt, Template
from troposphere.ec2 import (
    SecurityGroup,
    SecurityGroupEgress,
    SecurityGroupIngress,
    SecurityGroupRule,
)

from underpass.blueprint.addresses import ANYWHERE
from underpass.blueprint.cross_stack import given
from underpass.config import Config
from underpass.config.model import WayOut

# EC2 opens every port outwards when a group names no egress rule; this one leads nowhere.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-securitygroup.html
_NOWHERE = SecurityGroupRule(
    IpProtocol="-1", CidrIp="127.0.0.1/32", Description="Nothing: replaces the default rule"
)


def security_group(
    template: Template,
    title: str,
    vpc_id: object,
    description: str,
    *,
    ingress: Sequence[SecurityGroupRule] = (),
    egress: Sequence[SecurityGroupRule] = (),
) -> SecurityGroup:
    """Add a group that admits ``ingress`` and may open connections to ``egress`` only."""
    return template.add_resource(
        SecurityGroup(
            title,
            GroupDescription=description,
            VpcId=vpc_id,
            SecurityGroupEgress=list(egress) or [_NOWHERE],
            **({"SecurityGroupIngress": list(ingress)} if ingress else {}),
        )
    )


def tcp(port: object, description: str, **peer: object) -> SecurityGroupRule:
    """Return a rule for one TCP port; ``peer`` is a CidrIp, or a Source- or DestinationSecurityGroupId."""
    return SecurityGroupRule(
        IpProtocol="tcp", FromPort=port, ToPort=port, Description=description, **peer
    )


def to_the_web() -> list[SecurityGroupRule]:
    """Return egress rules for AWS APIs and the web, which is where NAT gateways lead."""
    return [
        tcp(443, "AWS APIs and other HTTPS", CidrIp=ANYWHERE),
        tcp(80, "Certificate revocation lists, package mirrors", CidrIp=ANYWHERE),
    ]


def to_aws(config: Config, endpoint_group: object = None) -> list[SecurityGroupRule]:
    """Return egress rules for AWS APIs, by the way ``network.egress`` names.

    ``endpoint_group`` is that of the endpoints where it is not the foundation's output.
    """
    if config.network.egress == "nat":
        return to_the_web()
    endpoints = (
        {"CidrIp": str(config.network.cidr)}
        if config.network.vpc_id
        else {"DestinationSecurityGroupId": endpoint_group or given("EndpointSecurityGroupId")}
    )
    return [
        tcp(443, "AWS APIs, by their endpoints", **endpoints),
        tcp(443, "S3", DestinationPrefixListId=given("S3PrefixListId")),
        # Endpoints that are in another VPC: the agent needs them as the tasks do.
        *(
            tcp(443, "[network] allow_out", **destination(way))
            for way in config.network.allow_out
            if way.port == 443
        ),
    ]


def destination(way: WayOut) -> dict[str, str]:
    """Return what a rule says of the peer of one of ``allow_out``."""
    named = {
        "CidrIp": way.cidr,
        "DestinationPrefixListId": way.prefix_list,
        "DestinationSecurityGroupId": way.security_group,
    }
    return {key: str(value) for key, value in named.items() if value is not None}


def admit(
    template: Template,
    title: str,
    group_id: object,
    port: object,
    source_group_id: object,
    why: str,
) -> SecurityGroupIngress:
    """Let ``source_group_id`` into a group, by a resource of its own: two groups may name each other."""
    return template.add_resource(
        SecurityGroupIngress(
            title,
            GroupId=group_id,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            SourceSecurityGroupId=source_group_id,
            Description=why,
        )
    )


def admit_block(
    template: Template, prefix: str, group_id: object, port: object, block: IPv4Network, why: str
) -> SecurityGroupIngress:
    """Let a block of addresses into a group, by a resource that is called after the block.

    So a change of the list makes rules before it takes others away, and never the same one twice.
    """
    return template.add_resource(
        SecurityGroupIngress(
            prefix + re.sub(r"\D", "x", str(block)),
            GroupId=group_id,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            CidrIp=str(block),
            Description=why,
        )
    )


def reach(
    template: Template, title: str, group_id: object, port: object, peer_group_id: object, why: str
) -> SecurityGroupEgress:
    """Let a group open connections to ``peer_group_id``, by a resource of its own."""
    return template.add_resource(
        SecurityGroupEgress(
            title,
            GroupId=group_id,
            IpProtocol="tcp",
            FromPort=port,
            ToPort=port,
            DestinationSecurityGroupId=peer_group_id,
            Description=why,
        )
    )


def group_id(group: SecurityGroup) -> GetAtt:
    """Return the group's id."""
    return GetAtt(group, "GroupId")
