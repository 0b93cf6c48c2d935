"""EC2's CloudFormation types, save for security groups: VPCs, their ways out, routes, launch templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    LogicalResource,
    Physical,
    Properties,
    Setting,
    Tagging,
    changed,
)
from underpass.twin.services.cloudformation.service_calls import truth

EC2 = partial(
    Form,
    service="ec2",
    tagging=Tagging("create_tags", "delete_tags", "Resources", "Tags"),
)


def flag(operation: str, name: str, *, default: bool) -> Setting:
    """Return how an attribute that is on or off is put: EC2 takes one a call."""
    return Setting(
        operation,
        name,
        convert=lambda value: {"Value": truth(value)},
        default={"Value": default},
    )


PLAIN = (
    EC2(
        type="AWS::EC2::Subnet",
        kind="subnet",
        honoured="AvailabilityZone AvailabilityZoneId CidrBlock MapPublicIpOnLaunch Tags VpcId",
        inert="PrivateDnsNameOptionsOnLaunch",
        replaces="AvailabilityZone AvailabilityZoneId CidrBlock VpcId",
        create="create_subnet",
        made="Subnet",
        ref="{SubnetId}",
        attributes="SubnetId VpcId AvailabilityZone AvailabilityZoneId CidrBlock",
        settings={
            "MapPublicIpOnLaunch": flag(
                "modify_subnet_attribute", "MapPublicIpOnLaunch", default=False
            )
        },
        delete="delete_subnet SubnetId",
    ),
    EC2(
        type="AWS::EC2::InternetGateway",
        kind="internet-gateway",
        honoured="Tags",
        create="create_internet_gateway",
        made="InternetGateway",
        ref="{InternetGatewayId}",
        attributes="InternetGatewayId",
        delete="delete_internet_gateway InternetGatewayId",
    ),
    EC2(
        type="AWS::EC2::EIP",
        kind="elastic-ip",
        honoured="Domain Tags",
        inert="NetworkBorderGroup PublicIpv4Pool",
        replaces="NetworkBorderGroup",
        defaults={"Domain": "vpc"},
        create="allocate_address",
        ref="{PublicIp}",
        attributes="PublicIp AllocationId",
        tagged="AllocationId",
        delete="release_address - AllocationId",
    ),
    EC2(  # usable once its interface is there, gone once its address is free
        type="AWS::EC2::NatGateway",
        kind="natgateway",
        honoured="AllocationId SubnetId Tags",
        inert="MaxDrainDurationSeconds",
        replaces="AllocationId SubnetId",
        create="create_nat_gateway",
        made="NatGateway",
        ref="{NatGatewayId}",
        attributes="NatGatewayId EniId=NatGatewayAddresses.0.NetworkInterfaceId",
        described=Described("describe_nat_gateways NatGatewayIds", "NatGateways", "State"),
        delete="delete_nat_gateway NatGatewayId",
    ),
    EC2(
        type="AWS::EC2::RouteTable",
        kind="route-table",
        honoured="Tags VpcId",
        replaces="VpcId",
        create="create_route_table",
        made="RouteTable",
        ref="{RouteTableId}",
        attributes="RouteTableId",
        delete="delete_route_table RouteTableId",
    ),
    EC2(
        type="AWS::EC2::Route",
        honoured="DestinationCidrBlock GatewayId NatGatewayId RouteTableId",
        replaces="DestinationCidrBlock RouteTableId",
        create="create_route",
        ref="{RouteTableId}|{DestinationCidrBlock}",
        attributes="CidrBlock=DestinationCidrBlock",
        update="replace_route - RouteTableId DestinationCidrBlock",
        delete="delete_route - RouteTableId DestinationCidrBlock",
    ),
    EC2(  # recorded as wanted; the twin's own packets are not written to it
        type="AWS::EC2::FlowLog",
        kind="vpc-flow-log",
        honoured="DeliverLogsPermissionArn LogDestinationType LogGroupName ResourceId ResourceType Tags "
        "TrafficType",
        replaces="DeliverLogsPermissionArn LogDestinationType LogGroupName ResourceId ResourceType "
        "TrafficType",
        renamed={"ResourceId": "ResourceIds"},
        create="create_flow_logs",
        ref="{FlowLogIds[0]}",
        attributes="Id=Ref",
        delete="delete_flow_logs FlowLogIds",
    ),
)


class Vpc(Resource):
    """A VPC; its DNS attributes are set right after it is made."""

    form = EC2(
        type="AWS::EC2::VPC",
        kind="vpc",
        honoured="CidrBlock EnableDnsHostnames EnableDnsSupport Tags",
        inert="InstanceTenancy",
        replaces="CidrBlock",
        create="create_vpc",
        made="Vpc",
        ref="{VpcId}",
        attributes="VpcId CidrBlock",
        settings={
            "EnableDnsSupport": flag("modify_vpc_attribute", "EnableDnsSupport", default=True),
            "EnableDnsHostnames": flag("modify_vpc_attribute", "EnableDnsHostnames", default=False),
        },
        described=Described("describe_vpcs VpcIds", "Vpcs"),
        delete="delete_vpc VpcId",
    )

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add what comes with a VPC: its default group and ACL."""
        here = [{"Name": "vpc-id", "Values": [document["VpcId"]]}]
        default = [*here, {"Name": "group-name", "Values": ["default"]}]
        group = self.one("describe_security_groups", "SecurityGroups", Filters=default)
        acl = self.one("describe_network_acls", "NetworkAcls", Filters=here)
        blocks = document.get("CidrBlockAssociationSet", ())
        six = document.get("Ipv6CidrBlockAssociationSet", ())
        return super().attributes(document) | {
            "CidrBlockAssociations": [block["AssociationId"] for block in blocks],
            "Ipv6CidrBlocks": [block["Ipv6CidrBlock"] for block in six],
            "DefaultSecurityGroup": group["GroupId"] if group else None,
            "DefaultNetworkAcl": acl["NetworkAclId"] if acl else None,
        }


class VpcGatewayAttachment(Resource):
    """An internet gateway's attachment to a VPC, which has one at most."""

    form = EC2(
        type="AWS::EC2::VPCGatewayAttachment",
        honoured="InternetGatewayId VpcId",
        replaces="VpcId",
        create="attach_internet_gateway",
        ref="IGW|{VpcId}",
        delete="detach_internet_gateway - InternetGatewayId VpcId",
        gone="Gateway.NotAttached",
    )

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Attach another gateway instead."""
        self.delete(physical, old)
        return self.create(logical, new)


class SubnetRouteTableAssociation(Resource):
    """Which route table a subnet uses; without one it is the VPC's main table."""

    form = EC2(
        type="AWS::EC2::SubnetRouteTableAssociation",
        honoured="RouteTableId SubnetId",
        replaces="RouteTableId SubnetId",
        create="associate_route_table",
        ref="{AssociationId}",
        attributes="Id=Ref",
        delete="disassociate_route_table AssociationId",
    )

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Associate the subnet with the table.

        A replacement is made before the old association is deleted, and a subnet has only one.
        """
        current = self._current(properties["SubnetId"]) if logical.generation else None
        if current is None:
            return super().create(logical, properties)
        made = self.call("replace_route_table_association", properties, AssociationId=current)
        return self.physical(made["NewAssociationId"], made)

    def _current(self, subnet_id: str) -> str | None:
        wanted = {"Name": "association.subnet-id", "Values": [subnet_id]}
        table = self.one("describe_route_tables", "RouteTables", Filters=[wanted]) or {}
        found = (x for x in table.get("Associations", ()) if x.get("SubnetId") == subnet_id)
        return next((str(x["RouteTableAssociationId"]) for x in found), None)


class LaunchTemplate(Resource):
    """A launch template: a change is a new version, and as in AWS the default stays the first."""

    form = EC2(
        type="AWS::EC2::LaunchTemplate",
        honoured="LaunchTemplateData LaunchTemplateName TagSpecifications VersionDescription",
        replaces="LaunchTemplateName",
        name="LaunchTemplateName",
        longest=128,
        create="create_launch_template",
        made="LaunchTemplate",
        ref="{LaunchTemplateId}",
        attributes="LaunchTemplateId",
        described=Described("describe_launch_templates LaunchTemplateIds", "LaunchTemplates"),
        delete="delete_launch_template LaunchTemplateId",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Add a version where one is asked for, and change tags."""
        if changed(old, new, "LaunchTemplateData VersionDescription"):
            self.act("create_launch_template_version LaunchTemplateId", physical, new)
        if "TagSpecifications" in {*old, *new}:
            self.retag(physical, _own_tags(old), _own_tags(new))

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add the versions' numbers, as text."""
        numbers = ("DefaultVersionNumber", "LatestVersionNumber")
        return super().attributes(document) | {name: str(document[name]) for name in numbers}


def _own_tags(properties: Properties) -> list[dict[str, str]]:
    return [
        tag
        for specification in properties.get("TagSpecifications") or ()
        if specification.get("ResourceType") == "launch-template"
        for tag in specification.get("Tags", ())
    ]
