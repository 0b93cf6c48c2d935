"""The ECS cluster and what its tasks run on: instances of an Auto Scaling group, or Fargate."""

from __future__ import annotations

from typing import Any

from troposphere import Ref, Template
from troposphere.ecs import (
    CapacityProviderStrategy,
    Cluster,
    ClusterCapacityProviderAssociations,
    ClusterConfiguration,
    ClusterSetting,
    ExecuteCommandConfiguration,
    ExecuteCommandLogConfiguration,
)

from underpass.blueprint.capacity import instances, strategy
from underpass.blueprint.checkov_skips import skipped
from underpass.blueprint.logs import log_group
from underpass.config import Config

_INSIGHTS = {"enhanced": "enhanced", "enabled": "enabled", "off": "disabled"}
EXEC_LOGS = "ExecLogGroup"
PROVIDERS = "ClusterCapacityProviders"


def add(template: Template, config: Config) -> dict[str, Any]:
    """Add the cluster and its capacity, and return the stack's outputs."""
    cluster = template.add_resource(
        Cluster(
            "Cluster",
            # Also how many tasks are wanted and run, which nothing else measures.
            # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ClusterSetting.html
            ClusterSettings=[
                ClusterSetting(
                    Name="containerInsights", Value=_INSIGHTS[config.capacity.container_insights]
                )
            ],
            **_exec(template, config),
            **_linter_notes(config),
        )
    )
    known: list[Any] = [*strategy.providers(config)]
    if config.capacity.provider == "ec2":
        known = [Ref(instances.add(template, config, cluster))]
    template.add_resource(
        ClusterCapacityProviderAssociations(
            PROVIDERS,
            Cluster=Ref(cluster),
            CapacityProviders=known,
            DefaultCapacityProviderStrategy=[
                CapacityProviderStrategy(CapacityProvider=known[0], Weight=1)
            ],
        )
    )
    outputs: dict[str, Any] = {"ClusterName": Ref(cluster)}
    if config.capacity.provider == "ec2":
        outputs["CapacityProviderName"] = known[0]
        outputs["AutoScalingGroupName"] = Ref("AutoScalingGroup")
    if config.service.exec:
        outputs["ExecLogGroupName"] = Ref(EXEC_LOGS)
    return outputs


def _linter_notes(config: Config) -> dict[str, Any]:
    if config.capacity.container_insights != "off":
        return {}
    return {"Metadata": skipped({"CKV_AWS_65": 'container_insights = "off" in underpass.toml'})}


def _exec(template: Template, config: Config) -> dict[str, Any]:
    """Have what is typed into a task logged, apart from what the task says.

    The session itself is encrypted by TLS. A key of our own on top would have to be open to each task and
    each caller directly, through no service.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    if not config.service.exec:
        return {}
    logs = log_group(template, config, EXEC_LOGS, "exec")
    sessions = ExecuteCommandConfiguration(
        Logging="OVERRIDE",
        LogConfiguration=ExecuteCommandLogConfiguration(CloudWatchLogGroupName=Ref(logs)),
    )
    return {"Configuration": ClusterConfiguration(ExecuteCommandConfiguration=sessions)}
