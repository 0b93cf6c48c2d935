"""The ECS service: how many tasks run, where, and how a new release replaces the old one.

Where it scales, between the least and the most that are configured, the scaler owns the service's desired
count: the template leaves it out, so that a release neither starts again from the least, nor a failed one
goes back to what it was before. Registering or changing the scalable target moves the count between its
limits at once.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

from typing import Any

from troposphere import Join, Ref, Sub, Template
from troposphere.applicationautoscaling import (
    PredefinedMetricSpecification,
    ScalableTarget,
    ScalingPolicy,
    TargetTrackingScalingPolicyConfiguration,
)
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
from underpass.blueprint.security_groups import admit, reach
from underpass.config import Config

OUT_COOLDOWN_S = 60
IN_COOLDOWN_S = 300  # slowly down: the next peak may be near


def add(template: Template, config: Config, definition: TaskDefinition) -> Service:
    """Add the service behind the ALB, and the way from there to its tasks."""
    tasks, port = given("TaskSecurityGroupId"), config.service.port
    # Resources of their own: when the port changes, the old tasks' stays open until they are gone.
    out = reach(template, "AlbEgressToTasks", given("AlbSecurityGroupId"), port, tasks, "Tasks")
    into = admit(template, "TaskIngressFromAlb", tasks, port, given("AlbSecurityGroupId"), "ALB")
    return template.add_resource(
        Service(
            "Service",
            Cluster=given("ClusterName"),
            TaskDefinition=Ref(definition),
            CapacityProviderStrategy=[
                CapacityProviderStrategyItem(CapacityProvider=provider(config), Weight=1)
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
                    TargetGroupArn=given("AlbTargetGroupArn"),
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
            DependsOn=[out.title, into.title],  # open before the first task starts
            EnableExecuteCommand=config.service.exec,
            EnableECSManagedTags=True,  # tasks and interfaces say whose they are, to bills too
            PropagateTags="SERVICE",
            **desired_count(config),
            **_platform(config),
        )
    )


def provider(config: Config) -> Ref | str:
    """Return the capacity provider of everything that runs in the cluster."""
    return "FARGATE" if config.capacity.provider == "fargate" else given("CapacityProviderName")


def _platform(config: Config) -> dict[str, Any]:
    if config.capacity.provider == "fargate":  # spreads over zones by itself, and takes no strategy
        return {"PlatformVersion": "LATEST"}
    return {
        "PlacementStrategies": [
            PlacementStrategy(Type="spread", Field="attribute:ecs.availability-zone"),
            PlacementStrategy(Type="spread", Field="instanceId"),
        ]
    }


def scales(config: Config) -> bool:
    """Return whether there is anything for a scaler to do.

    Without a task there is no metric to follow, and so no way up from none.
    """
    tasks, follows = config.service.tasks, config.service.scaling
    return 0 < tasks.min < tasks.max and bool(follows.cpu or follows.requests)


def desired_count(config: Config) -> dict[str, int]:
    """Return the service's property: absent where the scaler sets it."""
    return {} if scales(config) else {"DesiredCount": config.service.tasks.min}


def add_scaling(template: Template, config: Config, service: Service) -> None:
    """Add the scalable target and a policy for each metric it follows."""
    if not scales(config):
        return
    target = template.add_resource(
        ScalableTarget(
            "ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=Sub(f"service/${{ClusterName}}/${{{service.title}.Name}}"),
            MinCapacity=config.service.tasks.min,
            MaxCapacity=config.service.tasks.max,
        )
    )
    if config.service.scaling.cpu:
        metric = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
        _follow(template, target, "ScalingOnCpu", config.service.scaling.cpu, metric)
    if config.service.scaling.requests:
        metric = {
            "PredefinedMetricType": "ALBRequestCountPerTarget",  # a minute
            "ResourceLabel": Join(
                "/",
                [given("AlbFullName"), given("AlbTargetGroupFullName")],
            ),
        }
        _follow(template, target, "ScalingOnRequests", config.service.scaling.requests, metric)


def _follow(
    template: Template, target: ScalableTarget, title: str, value: int, metric: dict[str, Any]
) -> None:
    template.add_resource(
        ScalingPolicy(
            title,
            PolicyName=title,
            PolicyType="TargetTrackingScaling",
            ScalingTargetId=Ref(target),
            TargetTrackingScalingPolicyConfiguration=TargetTrackingScalingPolicyConfiguration(
                TargetValue=value,
                PredefinedMetricSpecification=PredefinedMetricSpecification(**metric),
                ScaleOutCooldown=OUT_COOLDOWN_S,
                ScaleInCooldown=IN_COOLDOWN_S,
            ),
        )
    )
