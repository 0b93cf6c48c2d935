"""Scaling a service's desired count: the scalable target, and the policies on it."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    changed,
)

TARGET = "ServiceNamespace ResourceId ScalableDimension"


class ScalableTarget(Resource):
    """What may be scaled, between which limits."""

    form = Form(
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        service="application-autoscaling",
        honoured=f"{TARGET} MaxCapacity MinCapacity",
        inert="RoleARN Tags",
        replaces=TARGET,
        create="register_scalable_target",
        ref="{ResourceId}|{ScalableDimension}|{ServiceNamespace}",
        attributes="Id=Ref",
        update=f"register_scalable_target - {TARGET}",
        delete=f"deregister_scalable_target - {TARGET}",
    )

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Deregister the target."""
        target = _target(properties)
        target["ResourceIds"] = [target.pop("ResourceId")]
        if self.one("describe_scalable_targets", "ScalableTargets", **target):
            super().delete(physical, properties)


class ScalingPolicy(Resource):
    """When a scalable target is scaled."""

    form = Form(
        type="AWS::ApplicationAutoScaling::ScalingPolicy",
        service="application-autoscaling",
        honoured=f"{TARGET} PolicyName PolicyType ScalingTargetId "
        "TargetTrackingScalingPolicyConfiguration",
        replaces=f"{TARGET} PolicyName ScalingTargetId",
        create="put_scaling_policy",
        ref="{PolicyARN}",
        attributes="Arn=Ref",
    )

    def arguments(self, logical: LogicalResource, properties: Properties) -> dict[str, Any]:
        """Return which target is meant."""
        return _target(properties)

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
        return dict(zip(TARGET.split(), (namespace, resource, dimension), strict=True))
    return {key: properties[key] for key in TARGET.split()}
