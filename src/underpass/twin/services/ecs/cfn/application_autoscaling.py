"""Scaling a service's desired count: the scalable target, and the policies on it."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)

TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension")


class ScalableTarget(Resource):
    """What may be scaled, between which limits."""

    type = "AWS::ApplicationAutoScaling::ScalableTarget"
    service = "application-autoscaling"
    honoured = names(
        "MaxCapacity MinCapacity ResourceId RoleARN ScalableDimension ScheduledActions ServiceNamespace "
        "SuspendedState"
    )
    inert = names("Tags")
    replaces = names("ResourceId ScalableDimension ServiceNamespace")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Register the target."""
        target_id = "|".join(
            properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace")
        )
        physical = Physical(target_id, {"Id": target_id})
        self.call("register_scalable_target", properties)
        with self.undone_on_failure(physical, properties):
            self._schedule({}, properties)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change the limits and the schedule."""
        self.call("register_scalable_target", new)
        self._schedule(old, new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Deregister the target; its schedule goes with it."""
        resource = {**_target(properties), "ResourceIds": [properties["ResourceId"]]}
        del resource["ResourceId"]
        if self.one("describe_scalable_targets", "ScalableTargets", **resource):
            self.remove("deregister_scalable_target", **_target(properties))

    def _schedule(self, old: Properties, new: Properties) -> None:
        before, after = old.get("ScheduledActions") or [], new.get("ScheduledActions") or []
        kept = {action["ScheduledActionName"] for action in after}
        for action in after:
            if action not in before:
                self.call("put_scheduled_action", action, **_target(new))
        for action in before:
            name = action["ScheduledActionName"]
            if name not in kept:
                self.remove("delete_scheduled_action", ScheduledActionName=name, **_target(new))


class ScalingPolicy(Resource):
    """When a scalable target is scaled."""

    type = "AWS::ApplicationAutoScaling::ScalingPolicy"
    service = "application-autoscaling"
    honoured = names(
        "PolicyName PolicyType ResourceId ScalableDimension ScalingTargetId ServiceNamespace "
        "StepScalingPolicyConfiguration TargetTrackingScalingPolicyConfiguration"
    )
    replaces = names("PolicyName ResourceId ScalableDimension ScalingTargetId ServiceNamespace")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Put the policy."""
        made = self.call("put_scaling_policy", properties, **_target(properties))
        return Physical(made["PolicyARN"], {"Arn": made["PolicyARN"]})

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Put the policy anew."""
        if changed(old, new, "PolicyType"):
            self.delete(physical, old)
        return self.create(logical, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the policy."""
        name, target = properties["PolicyName"], _target(properties)
        if self.one("describe_scaling_policies", "ScalingPolicies", PolicyNames=[name], **target):
            self.remove("delete_scaling_policy", PolicyName=name, **target)


def _target(properties: Properties) -> dict[str, Any]:
    """Return the three keys of a target, also from a scalable target's ``Ref``."""
    if "ScalingTargetId" in properties:
        resource, dimension, namespace = properties["ScalingTargetId"].split("|")
        return dict(zip(TARGET, (namespace, resource, dimension), strict=True))
    return {key: properties[key] for key in TARGET}
