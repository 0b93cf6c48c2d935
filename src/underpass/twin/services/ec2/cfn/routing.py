"""Route tables, their routes, and which subnet uses which."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource

DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


class RouteTable(Ec2Resource):
    """A route table; its local route comes with it."""

    type = "AWS::EC2::RouteTable"
    kind = "route-table"
    honoured = names("Tags VpcId")
    replaces = names("VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the table."""
        table_id = self.make("create_route_table", properties)["RouteTable"]["RouteTableId"]
        return Physical(table_id, {"RouteTableId": table_id})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the table once no subnet uses it."""
        self.remove("delete_route_table", RouteTableId=physical.id)


class Route(Ec2Resource):
    """A route of a table."""

    type = "AWS::EC2::Route"
    honoured = names(
        "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId GatewayId InstanceId "
        "NatGatewayId NetworkInterfaceId RouteTableId"
    )
    replaces = names(
        "DestinationCidrBlock DestinationIpv6CidrBlock DestinationPrefixListId RouteTableId"
    )

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Add the route."""
        self.call("create_route", properties)
        destination = next(iter(_destination(properties).values()))
        return Physical(f"{properties['RouteTableId']}|{destination}", {"CidrBlock": destination})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Lead the route elsewhere."""
        self.call("replace_route", new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Take the route out of its table."""
        table_id = properties["RouteTableId"]
        self.remove("delete_route", RouteTableId=table_id, **_destination(properties))


class SubnetRouteTableAssociation(Ec2Resource):
    """Which route table a subnet uses."""

    type = "AWS::EC2::SubnetRouteTableAssociation"
    honoured = names("RouteTableId SubnetId")
    replaces = names("RouteTableId SubnetId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Associate the subnet with the table.

        A replacement is made before the old association is deleted, and a subnet has only one.
        """
        current = self._current(properties["SubnetId"]) if logical.generation else None
        if current:
            made = self.call("replace_route_table_association", properties, AssociationId=current)[
                "NewAssociationId"
            ]
        else:
            made = self.call("associate_route_table", properties)["AssociationId"]
        return Physical(made, {"Id": made})

    def _current(self, subnet_id: str) -> str | None:
        wanted = {"Name": "association.subnet-id", "Values": [subnet_id]}
        table = self.one("describe_route_tables", "RouteTables", Filters=[wanted]) or {}
        return next(
            (
                str(link["RouteTableAssociationId"])
                for link in table.get("Associations", ())
                if link.get("SubnetId") == subnet_id
            ),
            None,
        )

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Nothing of it changes in place."""
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Give the subnet back to the VPC's main route table."""
        self.remove("disassociate_route_table", AssociationId=physical.id)


def _destination(properties: Properties) -> dict[str, Any]:
    return {name: properties[name] for name in DESTINATIONS if name in properties}
