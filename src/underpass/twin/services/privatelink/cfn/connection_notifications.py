"""AWS::EC2::VPCEndpointConnectionNotification: who is told of an endpoint service's connections."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource

ID = "VPCEndpointConnectionNotificationId"


class ConnectionNotification(Ec2Resource):
    """A notification by SNS of connections that come, are decided on, and go."""

    type = "AWS::EC2::VPCEndpointConnectionNotification"
    honoured = names("ConnectionEvents ConnectionNotificationArn ServiceId")
    inert = frozenset()
    replaces = names("ServiceId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Ask for the notification."""
        made = self.call("create_vpc_endpoint_connection_notification", properties)
        found = made["ConnectionNotification"]["ConnectionNotificationId"]
        return Physical(found, {ID: found})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the events and the topic."""
        self.call(
            "modify_vpc_endpoint_connection_notification",
            new,
            ConnectionNotificationId=physical.id,
        )
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """End the notification."""
        self.remove(
            "delete_vpc_endpoint_connection_notifications", ConnectionNotificationIds=[physical.id]
        )
