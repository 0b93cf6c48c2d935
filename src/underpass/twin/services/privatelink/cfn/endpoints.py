"""VPC endpoints: a consumer's way in (interface), and the way to S3 without NAT (gateway)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import attributes, changed, names, only
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource

SETS = ("RouteTableIds", "SubnetIds", "SecurityGroupIds")


class VpcEndpoint(Ec2Resource):
    """A VPC endpoint. One that waits for acceptance counts as made, as it does in CloudFormation."""

    type = "AWS::EC2::VPCEndpoint"
    kind = "vpc-endpoint"
    honoured = names(
        "IpAddressType PolicyDocument PrivateDnsEnabled RouteTableIds SecurityGroupIds ServiceName "
        "ServiceRegion SubnetIds Tags VpcEndpointType VpcId"
    )
    inert = names("DnsOptions")
    replaces = names("ServiceName ServiceRegion VpcEndpointType VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the endpoint and wait until it is available or pending acceptance."""
        only(properties, "IpAddressType", "ipv4")
        only(properties, "ServiceRegion", self.region.name)
        kind = properties.get("VpcEndpointType", "Gateway")
        made = self.make("create_vpc_endpoint", properties, VpcEndpointType=kind)
        endpoint_id = made["VpcEndpoint"]["VpcEndpointId"]
        with self.undone_on_failure(Physical(endpoint_id), properties):
            return self._settled(endpoint_id)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change subnets, groups, route tables, policy and private names."""
        only(new, "IpAddressType", "ipv4")
        changes: dict[str, Any] = {}
        for name in SETS:
            before, after = set(old.get(name) or ()), set(new.get(name) or ())
            changes[f"Add{name}"] = sorted(after - before) or None
            changes[f"Remove{name}"] = sorted(before - after) or None
        if changed(old, new, "PolicyDocument"):
            changes["PolicyDocument"] = new.get("PolicyDocument")
            changes["ResetPolicy"] = None if new.get("PolicyDocument") else True
        if changed(old, new, "PrivateDnsEnabled"):
            changes["PrivateDnsEnabled"] = new.get("PrivateDnsEnabled", False)
        if any(value is not None for value in changes.values()):
            self.call("modify_vpc_endpoint", VpcEndpointId=physical.id, **changes)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return self._settled(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the endpoint and wait until its interfaces are gone."""
        self.remove("delete_vpc_endpoints", VpcEndpointIds=[physical.id])
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, endpoint_id: str) -> Mapping[str, Any] | None:
        return self.one("describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds=[endpoint_id])

    def _settled(self, endpoint_id: str) -> Physical:
        found = self.in_state(
            lambda: self._describe(endpoint_id),
            "State",
            "available",
            "pendingAcceptance",
            bad="failed rejected expired deleted",
        )
        entries = [
            f"{entry.get('HostedZoneId', '')}:{entry['DnsName']}"
            for entry in found.get("DnsEntries") or ()
        ]
        return Physical(
            endpoint_id,
            attributes(
                Id=endpoint_id,
                CreationTimestamp=str(found.get("CreationTimestamp", "")),
                DnsEntries=entries,
                NetworkInterfaceIds=list(found.get("NetworkInterfaceIds") or ()),
            ),
        )
