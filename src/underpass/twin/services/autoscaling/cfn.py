"""AWS::AutoScaling::AutoScalingGroup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Described,
    Form,
    LogicalResource,
    Physical,
    Properties,
    differ,
)

PROTECTED_S = 15.0  # where AWS waits for an hour


class AutoScalingGroup(Resource):
    """A group of instances: made once as many as wanted are in service.

    It is scaled to none before it is deleted, so that instances protected from scale-in hold that up.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
    """

    form = Form(
        type="AWS::AutoScaling::AutoScalingGroup",
        service="autoscaling",
        honoured="AutoScalingGroupName AvailabilityZones DefaultInstanceWarmup DesiredCapacity "
        "LaunchTemplate MaxSize MinSize NewInstancesProtectedFromScaleIn Tags TargetGroupARNs "
        "VPCZoneIdentifier",
        inert="AvailabilityZoneDistribution AvailabilityZoneImpairmentPolicy MaxInstanceLifetime "
        "DesiredCapacityType InstanceMaintenancePolicy NotificationConfigurations "
        "SkipZonalShiftValidation",
        replaces="AutoScalingGroupName",
        name="AutoScalingGroupName",
        create="create_auto_scaling_group",
        attributes="AutoScalingGroupARN",
        update="update_auto_scaling_group AutoScalingGroupName",
        described=Described(
            "describe_auto_scaling_groups AutoScalingGroupNames", "AutoScalingGroups"
        ),
        delete="delete_auto_scaling_group AutoScalingGroupName ForceDelete",
    )

    def stack_tag(self, key: str, value: str) -> dict[str, Any]:
        """Return a tag of the stack's: the instances get it too, whatever the group's own do."""
        return {**super().stack_tag(key, value), "PropagateAtLaunch": True}

    def wanted(self, properties: Properties) -> dict[str, Any]:
        """Return the properties as the actions have them: subnets as text, and each tag with its group."""
        wanted = super().wanted(properties)
        if "VPCZoneIdentifier" in wanted:
            wanted["VPCZoneIdentifier"] = ",".join(wanted["VPCZoneIdentifier"])
        return {**wanted, "ForceDelete": True}

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return the tags, each with its group's name."""
        name = properties.get("AutoScalingGroupName") or self.made_up_name(logical, properties)
        return {"Tags": _tags(name, properties.get("Tags")) or None}

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change which target groups its instances are registered with; instances that run stay."""
        gone, come = differ(old, new, "TargetGroupARNs")
        for verb, arns in (("detach", gone), ("attach", come)):
            if arns:
                named = {"AutoScalingGroupName": physical.id, "TargetGroupARNs": arns}
                self.call(f"{verb}_load_balancer_target_groups", **named)

    def retag(self, physical: Physical, old: Any, new: Any) -> None:
        """Change tags: here they are not known by their keys alone."""
        before, after = _tags(physical.id, old), _tags(physical.id, new)
        kept = {tag["Key"] for tag in after}
        gone = [tag for tag in before if tag["Key"] not in kept]
        if gone:
            self.call("delete_tags", Tags=gone)
        if after != before and after:
            self.call("create_or_update_tags", Tags=after)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group with its instances, once none of them is protected from scale-in."""
        if self.describe(physical.id) is None:
            return
        self.until(
            lambda: not self._protected(physical.id),
            "Group did not stabilize: all remaining instances are protected from scale-in",
            timeout_s=PROTECTED_S,
        )
        super().delete(physical, properties)
        self.until_gone(lambda: self.describe(physical.id))

    def usable(self, physical: Physical, document: Mapping[str, Any]) -> Physical:
        """Wait until as many instances are in service as are wanted."""

        def enough() -> Mapping[str, Any] | None:
            group = self.describe(physical.id)
            if group is None:
                return None
            serving = [one for one in group["Instances"] if one["LifecycleState"] == "InService"]
            return group if len(serving) >= int(group["DesiredCapacity"]) else None

        group = self.until(enough, f"Group {physical.id} did not stabilize")
        return self.physical(physical.id, {**document, **group})

    def _protected(self, name: str) -> bool:
        found = self.describe(name) or {"Instances": ()}
        return any(one["ProtectedFromScaleIn"] for one in found["Instances"])


def _tags(name: str, tags: Any) -> list[dict[str, Any]]:
    where = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    return [{**tag, **where} for tag in tags or ()]
