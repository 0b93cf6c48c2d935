"""Ways out of a VPC: internet gateway, its attachment, elastic addresses, NAT gateways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import attributes, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.service_calls import RefusedError
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource


class InternetGateway(Ec2Resource):
    """An internet gateway; of no use until it is attached."""

    type = "AWS::EC2::InternetGateway"
    kind = "internet-gateway"
    honoured = names("Tags")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the gateway."""
        gateway = self.make("create_internet_gateway", properties)["InternetGateway"]
        gateway_id = gateway["InternetGatewayId"]
        return Physical(gateway_id, {"InternetGatewayId": gateway_id})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the gateway once it is detached."""
        self.remove("delete_internet_gateway", InternetGatewayId=physical.id)


class VpcGatewayAttachment(Ec2Resource):
    """An internet gateway's attachment to a VPC."""

    type = "AWS::EC2::VPCGatewayAttachment"
    honoured = names("InternetGatewayId VpcId")
    replaces = names("VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Attach the gateway."""
        self.call("attach_internet_gateway", properties)
        return Physical(f"IGW|{properties['VpcId']}", {"AttachmentType": "IGW"})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Attach another gateway instead: a VPC has one at most."""
        self.delete(physical, old)
        return self.create(logical, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Detach the gateway."""
        try:
            self.remove(
                "detach_internet_gateway",
                InternetGatewayId=properties["InternetGatewayId"],
                VpcId=properties["VpcId"],
            )
        except RefusedError as refused:
            if refused.code != "Gateway.NotAttached":
                raise


class ElasticAddress(Ec2Resource):
    """An elastic IP address."""

    type = "AWS::EC2::EIP"
    kind = "elastic-ip"
    honoured = names("Domain InstanceId Tags")
    inert = names("NetworkBorderGroup PublicIpv4Pool")
    replaces = names("NetworkBorderGroup")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Allocate the address."""
        made = self.make("allocate_address", properties, Domain=properties.get("Domain", "vpc"))
        physical = Physical(
            made["PublicIp"],
            {"PublicIp": made["PublicIp"], "AllocationId": made["AllocationId"]},
        )
        with self.undone_on_failure(physical, properties):
            self._associate(physical, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Move the address to another instance, and change tags."""
        self._associate(physical, old, new)
        self.retag(physical.attributes["AllocationId"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Release the address."""
        if properties.get("InstanceId"):
            self.remove("disassociate_address", PublicIp=physical.id)
        self.remove("release_address", AllocationId=physical.attributes["AllocationId"])

    def _associate(self, physical: Physical, old: Properties, new: Properties) -> None:
        before, after = old.get("InstanceId"), new.get("InstanceId")
        if before and before != after:
            self.remove("disassociate_address", PublicIp=physical.id)
        if after and before != after:
            self.call(
                "associate_address",
                AllocationId=physical.attributes["AllocationId"],
                InstanceId=after,
            )


class NatGateway(Ec2Resource):
    """A NAT gateway: usable once its interface is there."""

    type = "AWS::EC2::NatGateway"
    kind = "natgateway"
    honoured = names("AllocationId ConnectivityType PrivateIpAddress SubnetId Tags")
    inert = names("MaxDrainDurationSeconds")
    replaces = names("AllocationId ConnectivityType PrivateIpAddress SubnetId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the gateway and wait until it is available."""
        gateway_id = self.make("create_nat_gateway", properties)["NatGateway"]["NatGatewayId"]
        with self.undone_on_failure(Physical(gateway_id), properties):
            found = self.in_state(lambda: self._describe(gateway_id), "State", "available")
        addresses = found.get("NatGatewayAddresses") or [{}]
        return Physical(
            gateway_id,
            attributes(NatGatewayId=gateway_id, EniId=addresses[0].get("NetworkInterfaceId")),
        )

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the gateway and wait until its address is free."""
        self.remove("delete_nat_gateway", NatGatewayId=physical.id)
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, gateway_id: str) -> Mapping[str, Any] | None:
        return self.one("describe_nat_gateways", "NatGateways", NatGatewayIds=[gateway_id])
