"""AWS::AutoScaling::AutoScalingGroup and LifecycleHook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, attributes, names, without
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)

APART = (
    "AutoScalingGroupName VPCZoneIdentifier Tags MetricsCollection LifecycleHookSpecificationList"
)


PROTECTED_S = 15.0  # where AWS waits for an hour


class AutoScalingGroup(Resource):
    """A group of instances: made once as many as wanted are in service.

    It is scaled to none before it is deleted, so that instances protected from scale-in hold that up.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
    """

    type = "AWS::AutoScaling::AutoScalingGroup"
    service = "autoscaling"
    honoured = names(
        "AutoScalingGroupName AvailabilityZones CapacityRebalance Context Cooldown "
        "DefaultInstanceWarmup DesiredCapacity HealthCheckGracePeriod HealthCheckType "
        "LaunchTemplate LifecycleHookSpecificationList MaxInstanceLifetime MaxSize "
        "MetricsCollection MinSize MixedInstancesPolicy NewInstancesProtectedFromScaleIn PlacementGroup "
        "ServiceLinkedRoleARN Tags TargetGroupARNs TerminationPolicies VPCZoneIdentifier"
    )
    inert = names(
        "AvailabilityZoneDistribution AvailabilityZoneImpairmentPolicy DesiredCapacityType "
        "InstanceMaintenancePolicy NotificationConfigurations SkipZonalShiftValidation"
    )
    replaces = names("AutoScalingGroupName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the group and wait until its instances are in service."""
        name = properties.get("AutoScalingGroupName") or logical.generated_name(255)
        self.call(
            "create_auto_scaling_group",
            _settings(properties),
            AutoScalingGroupName=name,
            Tags=_tags(name, properties) or None,
            LifecycleHookSpecificationList=properties.get("LifecycleHookSpecificationList"),
        )
        with self.undone_on_failure(Physical(name), properties):
            self._metrics(name, properties)
            return self._stable(name)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change sizes, subnets, launch template, hooks and tags; instances that run stay."""
        self.call("update_auto_scaling_group", _settings(new), AutoScalingGroupName=physical.id)
        self._targets(physical.id, old, new)
        self._hooks(physical.id, old, new)
        self._metrics(physical.id, new)
        before, after = _tags(physical.id, old), _tags(physical.id, new)
        kept = {tag["Key"] for tag in after}
        gone = [tag for tag in before if tag["Key"] not in kept]
        if gone:
            self.call("delete_tags", Tags=gone)
        if after != before and after:
            self.call("create_or_update_tags", Tags=after)
        return self._stable(physical.id)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the group with its instances, once none of them is protected from scale-in."""
        if self._describe(physical.id) is None:
            return
        self.until(
            lambda: not self._protected(physical.id),
            "Group did not stabilize: all remaining instances are protected from scale-in",
            timeout_s=PROTECTED_S,
        )
        self.remove("delete_auto_scaling_group", AutoScalingGroupName=physical.id, ForceDelete=True)
        self.until_gone(lambda: self._describe(physical.id))

    def _describe(self, name: str) -> Mapping[str, Any] | None:
        return self.one(
            "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[name]
        )

    def _protected(self, name: str) -> bool:
        found = self._describe(name) or {"Instances": ()}
        return any(one["ProtectedFromScaleIn"] for one in found["Instances"])

    def _targets(self, name: str, old: Properties, new: Properties) -> None:
        before, after = old.get("TargetGroupARNs") or [], new.get("TargetGroupARNs") or []
        for operation, arns in (
            ("detach_load_balancer_target_groups", [arn for arn in before if arn not in after]),
            ("attach_load_balancer_target_groups", [arn for arn in after if arn not in before]),
        ):
            if arns:
                self.call(operation, AutoScalingGroupName=name, TargetGroupARNs=arns)

    def _hooks(self, name: str, old: Properties, new: Properties) -> None:
        key = "LifecycleHookSpecificationList"
        before, after = old.get(key) or [], new.get(key) or []
        kept = {hook["LifecycleHookName"] for hook in after}
        for hook in after:
            if hook not in before:
                self.call("put_lifecycle_hook", hook, AutoScalingGroupName=name)
        for hook in before:
            if hook["LifecycleHookName"] not in kept:
                hook_name = hook["LifecycleHookName"]
                self.remove(
                    "delete_lifecycle_hook", AutoScalingGroupName=name, LifecycleHookName=hook_name
                )

    def _metrics(self, name: str, properties: Properties) -> None:
        for collection in properties.get("MetricsCollection") or ():
            self.call("enable_metrics_collection", collection, AutoScalingGroupName=name)

    def _stable(self, name: str) -> Physical:
        def enough() -> Mapping[str, Any] | None:
            group = self._describe(name)
            if group is None:
                return None
            serving = [one for one in group["Instances"] if one["LifecycleState"] == "InService"]
            return group if len(serving) >= int(group["DesiredCapacity"]) else None

        group = self.until(enough, f"Group {name} did not stabilize")
        return Physical(name, attributes(AutoScalingGroupARN=group["AutoScalingGroupARN"]))


class LifecycleHook(Resource):
    """A hook on instances' launch or termination."""

    type = "AWS::AutoScaling::LifecycleHook"
    service = "autoscaling"
    honoured = names(
        "AutoScalingGroupName DefaultResult HeartbeatTimeout LifecycleHookName LifecycleTransition "
        "NotificationMetadata NotificationTargetARN RoleARN"
    )
    replaces = names("AutoScalingGroupName LifecycleHookName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the hook."""
        name = properties.get("LifecycleHookName") or logical.generated_name(255)
        self.call("put_lifecycle_hook", properties, LifecycleHookName=name)
        return Physical(name)

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the hook anew."""
        self.call("put_lifecycle_hook", new, LifecycleHookName=physical.id)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the hook."""
        self.remove(
            "delete_lifecycle_hook",
            AutoScalingGroupName=properties["AutoScalingGroupName"],
            LifecycleHookName=physical.id,
        )


def _settings(properties: Properties) -> dict[str, Any]:
    settings = without(properties, APART)
    settings["DefaultCooldown"] = settings.pop("Cooldown", None)
    subnets = properties.get("VPCZoneIdentifier")
    if subnets:
        settings["VPCZoneIdentifier"] = ",".join(subnets)
    return settings


def _tags(name: str, properties: Properties) -> list[dict[str, Any]]:
    where = {"ResourceId": name, "ResourceType": "auto-scaling-group"}
    return [{**tag, **where} for tag in properties.get("Tags") or ()]
