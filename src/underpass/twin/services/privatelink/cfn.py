"""PrivateLink's CloudFormation types: endpoint services with who may ask and who is told, and endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    LogicalResource,
    Physical,
    Properties,
    added_and_removed,
    changed,
    only,
)
from underpass.twin.services.ec2.cfn import EC2

PLAIN = (
    EC2(
        type="AWS::EC2::VPCEndpointConnectionNotification",
        honoured="ConnectionEvents ConnectionNotificationArn ServiceId",
        replaces="ServiceId",
        create="create_vpc_endpoint_connection_notification",
        made="ConnectionNotification",
        ref="{ConnectionNotificationId}",
        attributes="VPCEndpointConnectionNotificationId=Ref",
        update="modify_vpc_endpoint_connection_notification ConnectionNotificationId",
        delete="delete_vpc_endpoint_connection_notifications ConnectionNotificationIds",
    ),
)


class VpcEndpointService(Resource):
    """An endpoint service on network load balancers.

    AWS refuses to delete one while a connection is available or pending.
    """

    form = EC2(
        type="AWS::EC2::VPCEndpointService",
        kind="vpc-endpoint-service",
        honoured="AcceptanceRequired NetworkLoadBalancerArns PrivateDnsName SupportedIpAddressTypes Tags",
        inert="ContributorInsightsEnabled PayerResponsibility SupportedRegions",
        create="create_vpc_endpoint_service_configuration",
        made="ServiceConfiguration",
        ref="{ServiceId}",
        attributes="ServiceId PrivateDnsNameConfiguration.Name PrivateDnsNameConfiguration.State "
        "PrivateDnsNameConfiguration.Type PrivateDnsNameConfiguration.Value",
        described=Described(
            "describe_vpc_endpoint_service_configurations ServiceIds", "ServiceConfigurations"
        ),
        delete="delete_vpc_endpoint_service_configurations ServiceIds",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Refuse IPv6."""
        only(properties, "SupportedIpAddressTypes", "ipv4")
        return {}

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change acceptance, load balancers and the private name."""
        only(new, "SupportedIpAddressTypes", "ipv4")
        changes = added_and_removed(old, new, "NetworkLoadBalancerArns")
        if changed(old, new, "AcceptanceRequired"):
            changes["AcceptanceRequired"] = new.get("AcceptanceRequired", True)
        if changed(old, new, "PrivateDnsName"):
            changes["PrivateDnsName"] = new.get("PrivateDnsName")
            changes["RemovePrivateDnsName"] = None if new.get("PrivateDnsName") else True
        if any(value is not None for value in changes.values()):
            self.call("modify_vpc_endpoint_service_configuration", ServiceId=physical.id, **changes)


class VpcEndpointServicePermissions(Resource):
    """The principals that may ask for an endpoint; connections that exist stay when one goes."""

    form = EC2(
        type="AWS::EC2::VPCEndpointServicePermissions",
        honoured="AllowedPrincipals ServiceId",
        replaces="ServiceId",
        ref="{ServiceId}",
        delete="modify_vpc_endpoint_service_permissions ServiceId",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Allow and disallow principals."""
        changes = added_and_removed(old, new, "AllowedPrincipals")
        if any(changes.values()):
            call = self.call if new else self.remove
            call("modify_vpc_endpoint_service_permissions", ServiceId=physical.id, **changes)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Disallow the principals."""
        self.settle(physical, properties, {})


class VpcEndpoint(Resource):
    """A VPC endpoint: a consumer's way in (interface), and the way to S3 without NAT (gateway).

    One that waits for acceptance counts as made, as it does in CloudFormation.
    """

    form = EC2(
        type="AWS::EC2::VPCEndpoint",
        kind="vpc-endpoint",
        honoured="IpAddressType PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds "
        "ServiceName ServiceRegion SubnetIds Tags VpcEndpointType VpcId",
        inert="DnsOptions",
        replaces="ServiceName ServiceRegion VpcEndpointType VpcId",
        defaults={"VpcEndpointType": "Gateway"},
        create="create_vpc_endpoint",
        made="VpcEndpoint",
        ref="{VpcEndpointId}",
        attributes="Id=Ref",
        described=Described(
            "describe_vpc_endpoints VpcEndpointIds",
            "VpcEndpoints",
            "State",
            "available pendingAcceptance",
            "failed rejected expired deleted",
        ),
        delete="delete_vpc_endpoints VpcEndpointIds",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Refuse IPv6, and services of another region."""
        only(properties, "IpAddressType", "ipv4")
        only(properties, "ServiceRegion", self.region.name)
        return {}

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change subnets, groups, route tables, policy and private names."""
        only(new, "IpAddressType", "ipv4")
        changes = added_and_removed(old, new, "RouteTableIds", "SubnetIds", "SecurityGroupIds")
        if changed(old, new, "PolicyDocument"):
            changes["PolicyDocument"] = new.get("PolicyDocument")
            changes["ResetPolicy"] = None if new.get("PolicyDocument") else True
        if changed(old, new, "PrivateDnsEnabled"):
            changes["PrivateDnsEnabled"] = new.get("PrivateDnsEnabled", False)
        if any(value is not None for value in changes.values()):
            self.call("modify_vpc_endpoint", VpcEndpointId=physical.id, **changes)

    def attributes(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Add its names, each with its zone, and its interfaces."""
        entries = document.get("DnsEntries") or ()
        return super().attributes(document) | {
            "CreationTimestamp": str(document.get("CreationTimestamp", "")),
            "DnsEntries": [f"{one.get('HostedZoneId', '')}:{one['DnsName']}" for one in entries],
            "NetworkInterfaceIds": list(document.get("NetworkInterfaceIds") or ()),
        }
