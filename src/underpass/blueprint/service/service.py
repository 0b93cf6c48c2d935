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
    DeploymentCircuitBreaker,
    DeploymentConfiguration,
    LoadBalancer,
    NetworkConfiguration,
    PlacementStrategy,
    Service,
    TaskDefinition,
)

from underpass.blueprint.capacity.strategy import strategy
from underpass.blueprint.cross_stack import given, given_list
from underpass.blueprint.security_groups import admit, reach
from underpass.config import Config
from underpass.config.model import Between

OUT_COOLDOWN_S = 60
IN_COOLDOWN_S = 300  # slowly down: the next peak may be near
ON_CPU = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}


def add(template: Template, config: Config, definition: TaskDefinition) -> Service:
    """Add the service behind the ALB, and the way from there to its tasks."""
    tasks, port = given("TaskSecurityGroupId"), config.service.port
    # Resources of their own: when the port changes, the old tasks' stays open until they are gone.
    out = reach(template, "AlbEgressToTasks", given("AlbSecurityGroupId"), port, tasks, "Tasks")
    into = admit(template, "TaskIngressFromAlb", tasks, port, given("AlbSecurityGroupId"), "ALB")
    balanced = {
        "LoadBalancers": [
            LoadBalancer(
                ContainerName=config.name,
                ContainerPort=config.service.port,
                TargetGroupArn=given("AlbTargetGroupArn"),
            )
        ],
        "HealthCheckGracePeriodSeconds": config.service.grace_period,
    }
    return template.add_resource(
        Service(
            "Service",
            **running(config, definition, config.service.tasks.min, balanced),
            DependsOn=[out.title, into.title],  # open before the first task starts
            **ours(config),
            **desired_count(config),
            **_platform(config),
        )
    )


def add_unbalanced(
    template: Template,
    config: Config,
    title: str,
    definition: TaskDefinition,
    least: int,
    *,
    scales: bool,
) -> Service:
    """Add a service nobody connects to, of ``least`` tasks, or as many as its scaler says."""
    count = {} if scales else {"DesiredCount": least}
    return template.add_resource(
        Service(
            title,
            **running(config, definition, least, {}),
            **ours(config),
            **count,
            **_platform(config),
        )
    )


def running(
    config: Config, definition: TaskDefinition, least: int, balanced: dict[str, Any]
) -> dict[str, Any]:
    """Return the properties that say what runs where, and how a new revision replaces the old one.

    ``least`` is how many tasks are always there: so many never run on what AWS may take back.
    """
    return {
        "Cluster": given("ClusterName"),
        "TaskDefinition": Ref(definition),
        "CapacityProviderStrategy": strategy(config, least),
        "NetworkConfiguration": NetworkConfiguration(
            AwsvpcConfiguration=AwsvpcConfiguration(
                AssignPublicIp="DISABLED",
                Subnets=given_list("AppSubnetIds"),
                SecurityGroups=[given("TaskSecurityGroupId")],
            )
        ),
        **balanced,
        "AvailabilityZoneRebalancing": "ENABLED",
        # No deployment alarms: they would let what has nothing to do with a release undo it.
        "DeploymentConfiguration": DeploymentConfiguration(
            MinimumHealthyPercent=100,
            MaximumPercent=200,
            DeploymentCircuitBreaker=DeploymentCircuitBreaker(Enable=True, Rollback=True),
        ),
    }


def ours(config: Config) -> dict[str, Any]:
    """Return the properties that say whose tasks these are, and who may enter them."""
    return {
        "EnableExecuteCommand": config.service.exec,
        "EnableECSManagedTags": True,  # tasks and interfaces say whose they are, to bills too
        "PropagateTags": "SERVICE",
    }


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
    target = _target(template, "", service, config.service.tasks)
    if config.service.scaling.cpu:
        _follow(template, target, "ScalingOnCpu", config.service.scaling.cpu, ON_CPU)
    if config.service.scaling.requests:
        metric = {
            "PredefinedMetricType": "ALBRequestCountPerTarget",  # a minute
            "ResourceLabel": Join(
                "/",
                [given("AlbFullName"), given("AlbTargetGroupFullName")],
            ),
        }
        _follow(template, target, "ScalingOnRequests", config.service.scaling.requests, metric)


def scale_on_cpu(
    template: Template, title: str, service: Service, tasks: Between, percent: int
) -> None:
    """Add what keeps the tasks of ``service`` at ``percent`` of their CPU; ``title`` starts the ids."""
    target = _target(template, title, service, tasks)
    _follow(template, target, f"{title}ScalingOnCpu", percent, ON_CPU)


def _target(template: Template, title: str, service: Service, tasks: Between) -> ScalableTarget:
    return template.add_resource(
        ScalableTarget(
            f"{title}ScalableTarget",
            ServiceNamespace="ecs",
            ScalableDimension="ecs:service:DesiredCount",
            ResourceId=Sub(f"service/${{ClusterName}}/${{{service.title}.Name}}"),
            MinCapacity=tasks.min,
            MaxCapacity=tasks.max,
        )
    )


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
