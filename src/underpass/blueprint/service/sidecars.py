"""The containers beside the application's: ``[[service.sidecars]]``, in the service's own tasks only.

What a worker or a job runs is alone in its task: a proxy or a collector there would be one more thing to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from troposphere import Parameter, Ref, Template
from troposphere.ecs import (
    ContainerDefinition,
    ContainerDependency,
    Environment,
    PortMapping,
    Volume,
)
from troposphere.logs import LogGroup

from underpass.blueprint.service import secrets
from underpass.blueprint.service.container import STOP_TIMEOUT_S, health_check, written_to
from underpass.blueprint.service.hardening import (
    Confinement,
    restrictions,
    scratch_mounts,
    scratch_volumes,
)
from underpass.config import Config
from underpass.config.model import Sidecar
from underpass.config.model.sidecars import APPLICATION

LONGEST_START_S = 120  # that Fargate waits for a container


def containers(template: Template, config: Config, logs: LogGroup) -> list[ContainerDefinition]:
    """Return the sidecars' containers, and add the parameters of their images and secrets."""
    secrets.add_versions_beside(template, config)
    return [_container(template, config, one, logs) for one in config.service.sidecars]


def volumes(config: Config) -> list[Volume]:
    """Return an empty volume for each folder a sidecar may write, on EC2."""
    return [
        volume
        for one in config.service.sidecars
        for volume in scratch_volumes(config, _confined(one), f"{one.name}-")
    ]


def order(config: Config) -> dict[str, Any]:
    """Return what the application's own container waits for, and how long it may be waited for."""
    found = _waits(config, config.service.depends_on)
    if _waited_for(config, APPLICATION):
        longest = max(config.service.grace_period, LONGEST_START_S)
        on_fargate = config.capacity.provider == "fargate"
        found["StartTimeout"] = LONGEST_START_S if on_fargate else longest
    return found


def _container(
    template: Template, config: Config, one: Sidecar, logs: LogGroup
) -> ContainerDefinition:
    told = f"The image of the sidecar {one.name}"
    image = template.add_parameter(Parameter(one.image_parameter, Type="String", Description=told))
    more: dict[str, Any] = restrictions(config, _confined(one), _memory_mib(config, one))
    asked = {"Cpu": one.cpu, "Memory": one.memory}
    more |= {name: value for name, value in asked.items() if value is not None}
    if mounts := scratch_mounts(config, _confined(one), f"{one.name}-"):
        more["MountPoints"] = mounts
    if one.command:
        more["Command"] = list(one.command)
    if one.port is not None:
        more["PortMappings"] = [PortMapping(ContainerPort=one.port, Protocol="tcp")]
    if one.secrets:
        more["Secrets"] = secrets.entries(one.secrets)
        more["DockerLabels"] = secrets.labels_beside()
    if one.health_command:
        more["HealthCheck"] = health_check(one.health_command, one.start_timeout)
    if one.stop_timeout != STOP_TIMEOUT_S:
        more["StopTimeout"] = one.stop_timeout
    if _waited_for(config, one.name):
        more["StartTimeout"] = one.start_timeout
    return ContainerDefinition(
        Name=one.name,
        Image=Ref(image),
        Essential=one.essential,
        Environment=[
            Environment(Name=name, Value=value)
            for name, value in sorted({**one.environment, "AWS_REGION": Ref("AWS::Region")}.items())
        ],
        LogConfiguration=written_to(logs, one.name),
        **more,
        **_waits(config, one.depends_on),
    )


def _confined(one: Sidecar) -> Confinement:
    return Confinement(one.read_only, one.writable, one.user, port=one.port)


def _memory_mib(config: Config, one: Sidecar) -> int:
    """Return the memory of which the folders in it get a quarter: its own, or a quarter of the task's."""
    return one.memory or config.service.memory // 4


def _waits(config: Config, depends_on: Mapping[str, str]) -> dict[str, Any]:
    if not depends_on:
        return {}
    return {
        "DependsOn": [
            ContainerDependency(
                ContainerName=config.name if on == APPLICATION else on, Condition=condition.upper()
            )
            for on, condition in depends_on.items()
        ]
    }


def _waited_for(config: Config, name: str) -> bool:
    """Return whether a container waits for more than another's start: ECS would wait without an end."""
    service = config.service
    waits = [service.depends_on, *(one.depends_on for one in service.sidecars)]
    return any(one.get(name, "start") != "start" for one in waits)
