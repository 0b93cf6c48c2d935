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
    HealthCheck,
    LogConfiguration,
    MountPoint,
    PortMapping,
    Volume,
)
from troposphere.logs import LogGroup

from underpass.blueprint.service.hardening import restrictions, scratch_mounts, scratch_volumes
from underpass.config import Config
from underpass.config.model import Sidecar
from underpass.config.model.sidecars import APPLICATION

STOP_TIMEOUT_S = 30  # ECS's own
LONGEST_START_S = 120  # that Fargate waits for a container
LONGEST_START_PERIOD_S = 300  # in which a failed check does not count


def containers(template: Template, config: Config, logs: LogGroup) -> list[ContainerDefinition]:
    """Return the sidecars' containers, and add the parameter of each one's image."""
    return [_container(template, config, one, logs) for one in config.service.sidecars]


def volumes(config: Config) -> list[Volume]:
    """Return an empty volume for each folder a sidecar may write, on EC2."""
    return [
        Volume(Name=_own(one, volume.Name))
        for one in config.service.sidecars
        for volume in scratch_volumes(_alone(config, one))
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
    more: dict[str, Any] = restrictions(_alone(config, one), _memory_mib(config, one))
    asked = {"Cpu": one.cpu, "Memory": one.memory, "User": one.user}
    more |= {name: value for name, value in asked.items() if value is not None}
    mounts = [
        MountPoint(
            SourceVolume=_own(one, m.SourceVolume), ContainerPath=m.ContainerPath, ReadOnly=False
        )
        for m in scratch_mounts(_alone(config, one))
    ]
    if mounts:
        more["MountPoints"] = mounts
    if one.command:
        more["Command"] = list(one.command)
    if one.port is not None:
        more["PortMappings"] = [PortMapping(ContainerPort=one.port, Protocol="tcp")]
    if one.health_command:
        more["HealthCheck"] = HealthCheck(
            Command=["CMD", *one.health_command],
            Interval=10,
            Timeout=5,
            Retries=3,
            StartPeriod=min(one.start_timeout, LONGEST_START_PERIOD_S),
        )
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
        LogConfiguration=LogConfiguration(
            LogDriver="awslogs",
            Options={
                "awslogs-group": Ref(logs),
                "awslogs-region": Ref("AWS::Region"),
                "awslogs-stream-prefix": one.name,
            },
        ),
        **more,
        **_waits(config, one.depends_on),
    )


def _alone(config: Config, one: Sidecar) -> Config:
    """Return the configuration as if the sidecar were the application: it is held down in the same way."""
    as_one = {
        "port": one.port or 65535,  # none, and so none that takes a right
        "read_only": one.read_only,
        "writable": one.writable,
        "user": one.user,
        "capabilities": (),
    }
    service = config.service.model_copy(update=as_one)
    return config.model_copy(update={"service": service, "files": None})


def _memory_mib(config: Config, one: Sidecar) -> int:
    """Return the memory of which the folders in it get a quarter: its own, or a quarter of the task's."""
    return one.memory or config.service.memory // 4


def _own(one: Sidecar, volume: str) -> str:
    return f"{one.name}-{volume}"


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
