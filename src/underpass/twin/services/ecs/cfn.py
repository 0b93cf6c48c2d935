"""ECS's CloudFormation types: clusters and their capacity, task definitions, services and how they scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    Form,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
    changed,
    without,
)

ECS = partial(Form, service="ecs")
DEPLOYED_S = 600.0  # AWS gives three hours; a deployment on the twin takes seconds
BROKEN = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
IDENTITY = "Cluster SchedulingStrategy ServiceName LaunchType Tags"
TARGET = "ServiceNamespace ResourceId ScalableDimension"
ASSOCIATED = "CapacityProviders DefaultCapacityProviderStrategy"
FIXED = (
    "ContainerDefinitions Cpu ExecutionRoleArn Family Memory NetworkMode RequiresCompatibilities "
    "RuntimePlatform TaskRoleArn Volumes"
)

PLAIN = (
    ECS(  # every change but its tags is a new revision; tasks that run from an old one go on
        type="AWS::ECS::TaskDefinition",
        honoured=f"{FIXED} Tags",
        replaces=FIXED,
        name="Family",
        create="register_task_definition",
        made="taskDefinition",
        ref="{taskDefinitionArn}",
        attributes="TaskDefinitionArn=Ref",
        delete="deregister_task_definition TaskDefinition",
    ),
)


class Cluster(Resource):
    """An ECS cluster; ECS keeps a deleted one for a while as INACTIVE."""

    form = ECS(
        type="AWS::ECS::Cluster",
        honoured=f"{ASSOCIATED} ClusterName ClusterSettings Configuration Tags",
        replaces="ClusterName",
        renamed={"ClusterSettings": "Settings"},
        name="ClusterName",
        create="create_cluster",
        made="cluster",
        attributes="Arn=clusterArn",
        update="update_cluster Cluster",
        tagged="Arn",
        delete="delete_cluster Cluster",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change the capacity providers."""
        if changed(old, new, ASSOCIATED):
            associate(self.call, physical.id, new)


class CapacityProvider(Resource):
    """A capacity provider on an Auto Scaling group."""

    form = ECS(
        type="AWS::ECS::CapacityProvider",
        honoured="AutoScalingGroupProvider Name Tags",
        replaces="Name",
        name="Name",
        create="create_capacity_provider",
        made="capacityProvider",
        ref="{name}",
        attributes="Arn=capacityProviderArn",
        tagged="Arn",
        delete="delete_capacity_provider CapacityProvider",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Change scaling, draining and protection; the Auto Scaling group stays."""
        if changed(old, new, "AutoScalingGroupProvider"):
            group = without(new["AutoScalingGroupProvider"], "AutoScalingGroupArn")
            self.call("update_capacity_provider", Name=physical.id, AutoScalingGroupProvider=group)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the capacity provider once no cluster and no service uses it."""
        named = {"CapacityProviders": [physical.id]}
        found = self.one("describe_capacity_providers", "capacityProviders", **named)
        if found and found["status"] != "INACTIVE":
            super().delete(physical, properties)


class ClusterCapacityProviderAssociations(Resource):
    """Which capacity providers a cluster may use, and which it uses by default."""

    form = ECS(
        type="AWS::ECS::ClusterCapacityProviderAssociations",
        honoured=f"{ASSOCIATED} Cluster",
        replaces="Cluster",
        ref="{Cluster}",
    )

    def settle(self, physical: Physical, old: Properties, new: Properties) -> None:
        """Associate the capacity providers."""
        associate(self.call, physical.id, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Leave the cluster without capacity providers."""
        associate(self.remove, physical.id, {})


def associate(call: Callable[..., Any], cluster: str, wanted: Properties) -> None:
    """Give ``cluster`` the capacity providers that are wanted, and no other."""
    providers: dict[str, Any] = {name: wanted.get(name) or [] for name in ASSOCIATED.split()}
    call("put_cluster_capacity_providers", Cluster=cluster, **providers)


class Service(Resource):
    """A service of a cluster.

    Its creation ends when its tasks run and are healthy, and fails when the deployment does; the
    message says why the last task stopped.
    """

    form = ECS(
        type="AWS::ECS::Service",
        honoured="AvailabilityZoneRebalancing CapacityProviderStrategy Cluster DeploymentConfiguration "
        "DeploymentController DesiredCount EnableECSManagedTags EnableExecuteCommand ForceNewDeployment "
        "HealthCheckGracePeriodSeconds LaunchType LoadBalancers NetworkConfiguration "
        "PlacementStrategies PlatformVersion PropagateTags SchedulingStrategy ServiceName Tags "
        "TaskDefinition",
        replaces="Cluster LaunchType SchedulingStrategy ServiceName",
        renamed={"PlacementStrategies": "PlacementStrategy"},
        defaults={"DesiredCount": 1},
        name="ServiceName",
        create="create_service",
        made="service",
        ref="{serviceArn}",
        attributes="ServiceArn=serviceArn Name=serviceName",
        delete="delete_service Service Cluster",
    )

    def usable(self, physical: Physical, document: Mapping[str, Any]) -> Physical:
        """Wait for the deployment under way."""
        cluster = document.get("Cluster") or document["clusterArn"]
        self._steady(physical, {"Cluster": cluster}, document)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Start a deployment where one is needed, and wait for it."""
        if any(changed(old, new, name) for name in {*old, *new} - {"Tags"}):
            forced = changed(old, new, "ForceNewDeployment") and new.get("ForceNewDeployment")
            # A count that the template leaves out is scaling's to say once the service is there.
            kept = IDENTITY if "DesiredCount" in new else f"{IDENTITY} DesiredCount"
            made = self.call(
                "update_service",
                without(self.wanted(new), kept),
                Cluster=new.get("Cluster"),
                Service=physical.id,
                ForceNewDeployment=bool(forced and forced.get("EnableForceNewDeployment")),
            )["service"]
            self._steady(physical, new, made)
        return super().update(logical, physical, old, new)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Stop the tasks, delete the service and wait until it is drained."""
        self.remove(
            "delete_service", Cluster=properties.get("Cluster"), Service=physical.id, Force=True
        )

        def drained() -> bool:
            found = self._describe(physical, properties)
            return found is None or found["status"] == "INACTIVE"

        self.until(drained, f"Service {physical.id} was not drained")

    def _describe(self, physical: Physical, properties: Properties) -> Mapping[str, Any] | None:
        cluster = properties.get("Cluster")
        return self.one("describe_services", "services", Cluster=cluster, Services=[physical.id])

    def _steady(self, physical: Physical, properties: Properties, made: Mapping[str, Any]) -> None:
        """Wait for the deployment under way in ``made``, the service as the call left it.

        A circuit breaker that rolls back makes another deployment primary.
        """
        ours = _primary(made).get("id")

        def settled() -> bool:
            found = self._describe(physical, properties)
            if found is None:
                raise ProvisionError(f"Service {physical.id} was deleted meanwhile")
            primary = _primary(found)
            if primary.get("id") != ours or primary.get("rolloutState") == "FAILED":
                raise ProvisionError(f"{BROKEN} {self._why(physical, properties)}".strip())
            whole = found.get("runningCount") == found.get("desiredCount")
            return whole and primary.get("rolloutState") == "COMPLETED"

        name = physical.attributes.get("Name", physical.id)
        self.until(settled, f"Service {name} did not stabilize", timeout_s=DEPLOYED_S)

    def _why(self, physical: Physical, properties: Properties) -> str:
        cluster = properties.get("Cluster")
        arns = self.call(
            "list_tasks",
            Cluster=cluster,
            ServiceName=physical.attributes["Name"],
            DesiredStatus="STOPPED",
        )["taskArns"]
        if not arns:
            return ""
        tasks = self.call("describe_tasks", Cluster=cluster, Tasks=arns[:100])["tasks"]
        last = max(tasks, key=lambda task: str(task.get("stoppedAt", "")))
        codes = [
            f"{container.get('name')}: exit code {container['exitCode']}"
            for container in last.get("containers", ())
            if container.get("exitCode") is not None
        ]
        reason = last.get("stoppedReason") or "no reason given"
        return (
            f"Last stopped task: {reason} ({', '.join(codes)})"
            if codes
            else f"Last stopped task: {reason}"
        )


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    deployments = service.get("deployments") or [{}]
    return next((d for d in deployments if d.get("status") == "PRIMARY"), deployments[0])


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
