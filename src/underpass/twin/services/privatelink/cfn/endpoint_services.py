"""The provider's side of PrivateLink: the endpoint service, who may ask for it, and who is told."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import attributes, changed, names, only
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource

BALANCERS = "NetworkLoadBalancerArns"


class VpcEndpointService(Ec2Resource):
    """An endpoint service on network load balancers."""

    type = "AWS::EC2::VPCEndpointService"
    kind = "vpc-endpoint-service"
    honoured = names(
        "AcceptanceRequired NetworkLoadBalancerArns PrivateDnsName SupportedIpAddressTypes Tags"
    )
    inert = names("ContributorInsightsEnabled PayerResponsibility SupportedRegions")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Offer the load balancers as a service."""
        only(properties, "SupportedIpAddressTypes", "ipv4")
        made = self.make("create_vpc_endpoint_service_configuration", properties)[
            "ServiceConfiguration"
        ]
        service_id = made["ServiceId"]
        return Physical(service_id, attributes(ServiceId=service_id))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change acceptance, load balancers and the private name."""
        only(new, "SupportedIpAddressTypes", "ipv4")
        before, after = set(old.get(BALANCERS) or ()), set(new.get(BALANCERS) or ())
        changes: dict[str, Any] = {
            f"Add{BALANCERS}": sorted(after - before) or None,
            f"Remove{BALANCERS}": sorted(before - after) or None,
        }
        if changed(old, new, "AcceptanceRequired"):
            changes["AcceptanceRequired"] = new.get("AcceptanceRequired", True)
        if changed(old, new, "PrivateDnsName"):
            changes["PrivateDnsName"] = new.get("PrivateDnsName")
            changes["RemovePrivateDnsName"] = None if new.get("PrivateDnsName") else True
        if any(value is not None for value in changes.values()):
            self.call("modify_vpc_endpoint_service_configuration", ServiceId=physical.id, **changes)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Withdraw the service; AWS refuses while a connection is available or pending."""
        self.remove("delete_vpc_endpoint_service_configurations", ServiceIds=[physical.id])


class VpcEndpointServicePermissions(Ec2Resource):
    """The principals that may ask for an endpoint."""

    type = "AWS::EC2::VPCEndpointServicePermissions"
    honoured = names("AllowedPrincipals ServiceId")
    replaces = names("ServiceId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Allow the principals."""
        self._change(properties["ServiceId"], {}, properties)
        return Physical(properties["ServiceId"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Allow and disallow principals; connections that exist stay."""
        self._change(new["ServiceId"], old, new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Disallow the principals."""
        principals = properties.get("AllowedPrincipals") or None
        if principals:
            self.remove(
                "modify_vpc_endpoint_service_permissions",
                ServiceId=physical.id,
                RemoveAllowedPrincipals=principals,
            )

    def _change(self, service_id: str, old: Properties, new: Properties) -> None:
        before = set(old.get("AllowedPrincipals") or ())
        after = set(new.get("AllowedPrincipals") or ())
        if before != after:
            self.call(
                "modify_vpc_endpoint_service_permissions",
                ServiceId=service_id,
                AddAllowedPrincipals=sorted(after - before) or None,
                RemoveAllowedPrincipals=sorted(before - after) or None,
            )
