"""The ECS service: how many tasks run, where, and how a new release replaces the old one."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Template
from troposphere.ecs import (
    AwsvpcConfiguration,
    CapacityProviderStrategyItem,
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    LoadBalancer,
    NetworkConfiguration,
    PlacementStrategy,
    Service,
    TaskDefinition,
)

from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.service.balancers import FROM_ALB, TO_TASKS, Path
from underpass.blueprint.service.cluster import Capacity
from underpass.blueprint.service.scaling import desired_count
from underpass.config import Config


def add(
    template: Template, config: Config, capacity: Capacity, definition: TaskDefinition, path: Path
) -> Service:
    """Add the service behind the ALB."""
    return template.add_resource(
        Service(
            "Service",
            Cluster=Ref(capacity.cluster),
            TaskDefinition=Ref(definition),
            CapacityProviderStrategy=[
                CapacityProviderStrategyItem(CapacityProvider=capacity.provider, Weight=1)
            ],
            NetworkConfiguration=NetworkConfiguration(
                AwsvpcConfiguration=AwsvpcConfiguration(
                    AssignPublicIp="DISABLED",
                    Subnets=given_list("AppSubnetIds"),
                    SecurityGroups=[given("TaskSecurityGroupId")],
                )
            ),
            LoadBalancers=[
                LoadBalancer(
                    ContainerName=config.name,
                    ContainerPort=config.service.port,
                    TargetGroupArn=Ref(path.alb_target_group),
                )
            ],
            HealthCheckGracePeriodSeconds=config.service.grace_period,
            AvailabilityZoneRebalancing="ENABLED",
            # No deployment alarms: they would let what has nothing to do with a release undo it.
            DeploymentConfiguration=DeploymentConfiguration(
                MinimumHealthyPercent=100,
                MaximumPercent=200,
                DeploymentCircuitBreaker=DeploymentCircuitBreaker(Enable=True, Rollback=True),
            ),
            # The target group must hang on a listener, the path to the tasks be open, and the
            # capacity provider belong to the cluster, before the first task starts.
            DependsOn=[path.alb_listener.title, TO_TASKS, FROM_ALB, capacity.associations.title],
            EnableExecuteCommand=config.service.exec,
            EnableECSManagedTags=True,  # tasks and interfaces say whose they are, to bills too
            PropagateTags="SERVICE",
            **desired_count(config),
            **_platform(config),
        )
    )


def _platform(config: Config) -> dict[str, Any]:
    if config.capacity.provider == "fargate":  # spreads over zones by itself, and takes no strategy
        return {"PlatformVersion": "LATEST"}
    return {
        "PlacementStrategies": [
            PlacementStrategy(Type="spread", Field="attribute:ecs.availability-zone"),
            PlacementStrategy(Type="spread", Field="instanceId"),
        ]
    }
