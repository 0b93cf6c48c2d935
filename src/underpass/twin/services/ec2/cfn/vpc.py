"""AWS::EC2::VPC and AWS::EC2::Subnet."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import attributes, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.cloudformation.service_calls import truth
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource


class Vpc(Ec2Resource):
    """A VPC; its DNS attributes are set right after it is made."""

    type = "AWS::EC2::VPC"
    kind = "vpc"
    honoured = names("CidrBlock EnableDnsHostnames EnableDnsSupport Tags")
    inert = names("InstanceTenancy")
    replaces = names("CidrBlock")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the VPC."""
        made = self.make("create_vpc", properties)["Vpc"]
        physical = Physical(made["VpcId"])
        with self.undone_on_failure(physical, properties):
            self._set_dns(physical.id, {}, properties)
            return self._read(physical.id)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change DNS attributes and tags."""
        self._set_dns(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return self._read(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the VPC once nothing is left in it."""
        self.remove("delete_vpc", VpcId=physical.id)

    def _set_dns(self, vpc_id: str, old: Properties, new: Properties) -> None:
        for name, default in (("EnableDnsSupport", True), ("EnableDnsHostnames", False)):
            before, after = (truth(of.get(name, default)) for of in (old, new))
            if before != after:  # AWS takes one attribute a call
                self.call("modify_vpc_attribute", VpcId=vpc_id, **{name: {"Value": after}})

    def _read(self, vpc_id: str) -> Physical:
        vpc = self.call("describe_vpcs", VpcIds=[vpc_id])["Vpcs"][0]
        here = [{"Name": "vpc-id", "Values": [vpc_id]}]
        group = self.one(
            "describe_security_groups",
            "SecurityGroups",
            Filters=[*here, {"Name": "group-name", "Values": ["default"]}],
        )
        acl = self.one("describe_network_acls", "NetworkAcls", Filters=here)
        blocks = vpc.get("CidrBlockAssociationSet", [])
        six = vpc.get("Ipv6CidrBlockAssociationSet", [])
        return Physical(
            vpc_id,
            attributes(
                VpcId=vpc_id,
                CidrBlock=vpc["CidrBlock"],
                CidrBlockAssociations=[block["AssociationId"] for block in blocks],
                Ipv6CidrBlocks=[block["Ipv6CidrBlock"] for block in six],
                DefaultSecurityGroup=group["GroupId"] if group else None,
                DefaultNetworkAcl=acl["NetworkAclId"] if acl else None,
            ),
        )


class Subnet(Ec2Resource):
    """A subnet."""

    type = "AWS::EC2::Subnet"
    kind = "subnet"
    honoured = names("AvailabilityZone AvailabilityZoneId CidrBlock MapPublicIpOnLaunch Tags VpcId")
    inert = names("PrivateDnsNameOptionsOnLaunch")
    replaces = names("AvailabilityZone AvailabilityZoneId CidrBlock VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the subnet."""
        subnet = self.make("create_subnet", properties)["Subnet"]
        physical = _subnet(subnet)
        with self.undone_on_failure(physical, properties):
            self._set_public(physical.id, {}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change whether launches get public addresses, and tags."""
        self._set_public(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the subnet once no interface is left in it."""
        self.remove("delete_subnet", SubnetId=physical.id)

    def _set_public(self, subnet_id: str, old: Properties, new: Properties) -> None:
        before, after = (truth(of.get("MapPublicIpOnLaunch", False)) for of in (old, new))
        if before != after:
            value = {"Value": after}
            self.call("modify_subnet_attribute", SubnetId=subnet_id, MapPublicIpOnLaunch=value)


def _subnet(subnet: Properties) -> Physical:
    return Physical(
        subnet["SubnetId"],
        attributes(
            SubnetId=subnet["SubnetId"],
            VpcId=subnet["VpcId"],
            AvailabilityZone=subnet["AvailabilityZone"],
            AvailabilityZoneId=subnet.get("AvailabilityZoneId"),
            CidrBlock=subnet.get("CidrBlock"),
            Ipv6CidrBlocks=[],
        ),
    )
