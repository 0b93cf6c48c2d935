"""AWS::EC2::FlowLog: recorded as wanted; the twin's own packets are not written to it."""

from __future__ import annotations

from underpass.twin.services.cloudformation.resource import names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.ec2.cfn.ec2 import Ec2Resource


class FlowLog(Ec2Resource):
    """A flow log of a VPC, subnet or interface."""

    type = "AWS::EC2::FlowLog"
    kind = "vpc-flow-log"
    honoured = names(
        "DeliverLogsPermissionArn LogDestination LogDestinationType LogFormat LogGroupName "
        "MaxAggregationInterval ResourceId ResourceType Tags TrafficType"
    )
    replaces = honoured - {"Tags"}

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Start the log."""
        made = self.make("create_flow_logs", properties, ResourceIds=[properties["ResourceId"]])
        log_id = made["FlowLogIds"][0]
        return Physical(log_id, {"Id": log_id})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change tags."""
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """End the log."""
        self.remove("delete_flow_logs", FlowLogIds=[physical.id])
