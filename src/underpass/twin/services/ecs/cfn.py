"""ECS's CloudFormation types but the service: clusters, the capacity they may use, task definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from underpass.twin.services.cloudformation.form import Form
from underpass.twin.services.cloudformation.properties import changed, without
from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import Physical, Properties

ASSOCIATED = "CapacityProviders DefaultCapacityProviderStrategy"
FIXED = (
    "ContainerDefinitions Cpu ExecutionRoleArn Family Memory NetworkMode RequiresCompatibilities "
    "RuntimePlatform TaskRoleArn Volumes"
)

PLAIN = (
    Form(  # every change but its tags is a new revision; tasks that run from an old one go on
        type="AWS::ECS::TaskDefinition",
        service="ecs",
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

    form = Form(
        type="AWS::ECS::Cluster",
        service="ecs",
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

    form = Form(
        type="AWS::ECS::CapacityProvider",
        service="ecs",
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

    form = Form(
        type="AWS::ECS::ClusterCapacityProviderAssociations",
        service="ecs",
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
