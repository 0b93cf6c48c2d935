"""ECS clusters and the capacity they may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource import Resource, attributes, changed, names
from underpass.twin.services.cloudformation.resource_type import (
    LogicalResource,
    Physical,
    Properties,
)


class Cluster(Resource):
    """An ECS cluster."""

    type = "AWS::ECS::Cluster"
    service = "ecs"
    honoured = names(
        "CapacityProviders ClusterName ClusterSettings Configuration DefaultCapacityProviderStrategy "
        "ServiceConnectDefaults Tags"
    )
    replaces = names("ClusterName")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the cluster."""
        made = self.call(
            "create_cluster",
            properties,
            ClusterName=properties.get("ClusterName") or logical.generated_name(255),
            Settings=properties.get("ClusterSettings"),
        )["cluster"]
        return Physical(made["clusterName"], attributes(Arn=made["clusterArn"]))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change settings, configuration, capacity providers and tags."""
        if changed(old, new, "ClusterSettings Configuration ServiceConnectDefaults"):
            settings = new.get("ClusterSettings")
            self.call("update_cluster", new, Cluster=physical.id, Settings=settings)
        if changed(old, new, "CapacityProviders DefaultCapacityProviderStrategy"):
            _associate(self, physical.id, new)
        self.retag(physical.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the cluster; ECS keeps it for a while as INACTIVE."""
        self.remove("delete_cluster", Cluster=physical.id)


class CapacityProvider(Resource):
    """A capacity provider on an Auto Scaling group."""

    type = "AWS::ECS::CapacityProvider"
    service = "ecs"
    honoured = names("AutoScalingGroupProvider Name Tags")
    replaces = names("Name")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Make the capacity provider."""
        name = properties.get("Name") or logical.generated_name(255)
        made = self.call("create_capacity_provider", properties, Name=name)["capacityProvider"]
        return Physical(made["name"], attributes(Arn=made["capacityProviderArn"]))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Change scaling, draining and protection; the Auto Scaling group stays."""
        if changed(old, new, "AutoScalingGroupProvider"):
            group = dict(new["AutoScalingGroupProvider"])
            group.pop("AutoScalingGroupArn", None)
            self.call("update_capacity_provider", Name=physical.id, AutoScalingGroupProvider=group)
        self.retag(physical.attributes["Arn"], old.get("Tags"), new.get("Tags"))
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete the capacity provider once no cluster and no service uses it."""
        found = self.one(
            "describe_capacity_providers", "capacityProviders", CapacityProviders=[physical.id]
        )
        if found and found["status"] != "INACTIVE":
            self.remove("delete_capacity_provider", CapacityProvider=physical.id)


class ClusterCapacityProviderAssociations(Resource):
    """Which capacity providers a cluster may use, and which it uses by default."""

    type = "AWS::ECS::ClusterCapacityProviderAssociations"
    service = "ecs"
    honoured = names("CapacityProviders Cluster DefaultCapacityProviderStrategy")
    replaces = names("Cluster")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Associate the capacity providers."""
        _associate(self, properties["Cluster"], properties)
        return Physical(properties["Cluster"])

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Associate others."""
        _associate(self, new["Cluster"], new)
        return physical

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Leave the cluster without capacity providers."""
        self.remove(
            "put_cluster_capacity_providers",
            Cluster=physical.id,
            CapacityProviders=[],
            DefaultCapacityProviderStrategy=[],
        )


def _associate(provider: Resource, cluster: str, wanted: Mapping[str, Any]) -> None:
    provider.call(
        "put_cluster_capacity_providers",
        Cluster=cluster,
        CapacityProviders=wanted.get("CapacityProviders") or [],
        DefaultCapacityProviderStrategy=wanted.get("DefaultCapacityProviderStrategy") or [],
    )
