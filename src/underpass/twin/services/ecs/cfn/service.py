"""AWS::ECS::Service: made and changed only once its deployment is complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import (
    Resource,
    attributes,
    changed,
    names,
    without,
)
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
)

DEPLOYED_S = 600.0  # AWS gives three hours; a deployment on the twin takes seconds
BROKEN = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'."
IDENTITY = "Cluster Role SchedulingStrategy ServiceName LaunchType"


class Service(Resource):
    """A service of a cluster."""

    type = "AWS::ECS::Service"
    service = "ecs"
    honoured = names(
        "AvailabilityZoneRebalancing CapacityProviderStrategy Cluster DeploymentConfiguration "
        "DeploymentController DesiredCount EnableECSManagedTags EnableExecuteCommand ForceNewDeployment "
        "HealthCheckGracePeriodSeconds LaunchType LoadBalancers NetworkConfiguration "
        "PlacementConstraints PlacementStrategies PlatformVersion PropagateTags Role SchedulingStrategy "
        "ServiceName ServiceRegistries Tags TaskDefinition"
    )
    replaces = names("Cluster LaunchType Role SchedulingStrategy ServiceName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the service and wait until its tasks run and are healthy.

        Raises
        ------
        ProvisionError
            When the deployment fails; the message says why its last task stopped.
        """
        made = self.call(
            "create_service",
            properties,
            ServiceName=properties.get("ServiceName") or logical.generated_name(255),
            DesiredCount=properties.get("DesiredCount", 1),  # CloudFormation's default, not ECS's
            PlacementStrategy=properties.get("PlacementStrategies"),
        )["service"]
        arn = made["serviceArn"]
        physical = Physical(arn, attributes(ServiceArn=arn, Name=made["serviceName"]))
        with self.undone_on_failure(physical, properties):
            self._steady(physical, properties, made)
        return physical

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Start a deployment where one is needed, and wait for it."""
        if any(changed(old, new, name) for name in {*old, *new} - {"Tags"}):
            forced = changed(old, new, "ForceNewDeployment") and new.get("ForceNewDeployment")
            made = self.call(
                "update_service",
                without(new, f"{IDENTITY} Tags"),
                Cluster=new.get("Cluster"),
                Service=physical.id,
                PlacementStrategy=new.get("PlacementStrategies"),
                ForceNewDeployment=bool(forced and forced.get("EnableForceNewDeployment")),
            )["service"]
            self._steady(physical, new, made)
        self.retag(physical.id, old.get("Tags"), new.get("Tags"))
        return physical

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
