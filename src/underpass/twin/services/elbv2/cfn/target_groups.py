"""AWS::ElasticLoadBalancingV2::TargetGroup."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)
from underpass.twin.services.elbv2.cfn.elbv2 import Elbv2Resource

HEALTH = (
    "HealthCheckEnabled HealthCheckIntervalSeconds HealthCheckPath HealthCheckPort "
    "HealthCheckProtocol HealthCheckTimeoutSeconds HealthyThresholdCount Matcher "
    "UnhealthyThresholdCount"
)


class TargetGroup(Elbv2Resource):
    """A target group, and those targets the template itself names."""

    type = "AWS::ElasticLoadBalancingV2::TargetGroup"
    honoured = names(
        f"{HEALTH} IpAddressType Name Port Protocol ProtocolVersion Tags TargetGroupAttributes Targets "
        "TargetType VpcId"
    )
    replaces = names("IpAddressType Name Port Protocol ProtocolVersion TargetType VpcId")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group and register the targets the template names."""
        name = properties.get("Name") or logical.generated_name(32)
        made = self.call("create_target_group", properties, Name=name)["TargetGroups"][0]
        arn = made["TargetGroupArn"]
        with self.undone_on_failure(Physical(arn), properties):
            self._attributes(arn, {}, properties)
            self._targets(arn, {}, properties)
        return self._read(arn)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change health check, attributes, the template's own targets, and tags."""
        if changed(old, new, HEALTH):
            self.call("modify_target_group", new, TargetGroupArn=physical.id)
        self._attributes(physical.id, old, new)
        self._targets(physical.id, old, new)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return self._read(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group once no listener uses it."""
        self.remove("delete_target_group", TargetGroupArn=physical.id)

    def _attributes(self, arn: str, old: Properties, new: Properties) -> None:
        name = "TargetGroupAttributes"
        self.set_attributes(
            "modify_target_group_attributes", "TargetGroupArn", arn, old.get(name), new.get(name)
        )

    def _targets(self, arn: str, old: Properties, new: Properties) -> None:
        before, after = _targets(old), _targets(new)
        gone = [target for target in before if target not in after]
        come = [target for target in after if target not in before]
        if gone:
            self.call("deregister_targets", TargetGroupArn=arn, Targets=gone)
        if come:
            self.call("register_targets", TargetGroupArn=arn, Targets=come)

    def _read(self, arn: str) -> Physical:
        group = self.call("describe_target_groups", TargetGroupArns=[arn])["TargetGroups"][0]
        return Physical(
            arn,
            attributes(
                TargetGroupArn=arn,
                TargetGroupName=group["TargetGroupName"],
                TargetGroupFullName=arn.rsplit(":", 1)[-1],
                LoadBalancerArns=list(group.get("LoadBalancerArns") or ()),
            ),
        )


def _targets(properties: Properties) -> list[Any]:
    return list(properties.get("Targets") or ())
