"""Task definitions: what the tasks of one stack have in common, and one definition for each program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from troposphere import GetAtt, Parameter, Ref, Template
from troposphere.ecs import (
    AuthorizationConfig,
    ContainerDefinition,
    EFSVolumeConfiguration,
    RuntimePlatform,
    TaskDefinition,
    Volume,
)
from troposphere.logs import LogGroup

from underpass.blueprint.capacity.instances import architecture
from underpass.blueprint.cross_stack import given
from underpass.blueprint.logs import log_group
from underpass.blueprint.service import roles, secrets, sidecars
from underpass.blueprint.service.container import FILES_VOLUME, container
from underpass.blueprint.service.hardening import of_service, scratch_volumes
from underpass.blueprint.service.program import Program
from underpass.blueprint.service.roles import Roles
from underpass.config import Config
from underpass.config.model.secrets import Source


@dataclass(frozen=True)
class Common:
    """What all tasks of a stack share: the image, the log group and the roles."""

    image: Ref
    logs: LogGroup
    roles: Roles


def common(template: Template, config: Config, log: str, beside: Iterable[Source] = ()) -> Common:
    """Add what the tasks of ``template`` share; ``log`` is the last part of the log group's name.

    ``beside`` is what other containers than the application's read when they start.
    """
    image = template.add_parameter(
        Parameter("Image", Type="String", Description="The application's image")
    )
    secrets.add_versions(template, config)
    read = (*secrets.own(config), *beside)
    logs = log_group(template, config, "LogGroup", log)
    return Common(Ref(image), logs, roles.add(template, config, logs, read))


def define(template: Template, config: Config, program: Program, shared: Common) -> TaskDefinition:
    """Add the task definition of ``program``; the service's own has the sidecars too."""
    volumes = [
        *([_files_volume()] if config.files else []),
        *scratch_volumes(config, of_service(config)),
    ]
    own = container(config, program, shared.image, shared.logs)
    beside: list[ContainerDefinition] = []
    if not program.title:
        for name, value in sidecars.order(config).items():
            setattr(own, name, value)
        beside = sidecars.containers(template, config, shared.logs)
        volumes += sidecars.volumes(config)
    return template.add_resource(
        TaskDefinition(
            f"{program.title}TaskDefinition",
            Family=program.family,
            NetworkMode="awsvpc",
            RequiresCompatibilities=[config.capacity.provider.upper()],
            RuntimePlatform=RuntimePlatform(
                OperatingSystemFamily="LINUX", CpuArchitecture=architecture(config)
            ),
            Cpu=str(program.cpu),
            Memory=str(program.memory_mib),
            TaskRoleArn=GetAtt(shared.roles.task, "Arn"),
            ExecutionRoleArn=GetAtt(shared.roles.execution, "Arn"),
            ContainerDefinitions=[own, *beside],
            **({"Volumes": volumes} if volumes else {}),
        )
    )


def _files_volume() -> Volume:
    return Volume(
        Name=FILES_VOLUME,
        EFSVolumeConfiguration=EFSVolumeConfiguration(
            FilesystemId=given("FileSystemId"),
            TransitEncryption="ENABLED",  # access points and IAM need it
            AuthorizationConfig=AuthorizationConfig(
                AccessPointId=given("AccessPointId"), IAM="ENABLED"
            ),
        ),
    )
