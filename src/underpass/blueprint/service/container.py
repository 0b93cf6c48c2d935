"""The container definition of what runs from the application's image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from troposphere import Ref
from troposphere.ecs import (
    ContainerDefinition,
    Environment,
    HealthCheck,
    LogConfiguration,
    MountPoint,
    PortMapping,
    Secret,
)
from troposphere.logs import LogGroup

from underpass.blueprint.addons.outputs import outputs
from underpass.blueprint.cross_stack import given
from underpass.blueprint.service import database_access, secrets
from underpass.blueprint.service.hardening import of_service, restrictions, scratch_mounts
from underpass.blueprint.service.program import Program
from underpass.config import Config

FILES_VOLUME = "files"

STOP_TIMEOUT_S = 30  # ECS's own
LONGEST_START_PERIOD_S = 300  # in which a failed check does not count


def plain_environment(config: Config, program: Program) -> dict[str, Any]:
    """Return the variables that are no secrets; the file's own cannot hide what underpass promises."""
    variables: dict[str, Any] = {
        **config.service.environment,
        **program.environment,
        "AWS_REGION": Ref("AWS::Region"),
    }
    if config.database:
        variables |= database_access.plain(config.database)
    if config.assets:
        variables["ASSETS_BUCKET"] = given("BucketName")
    if config.files:
        variables["FILES_PATH"] = config.files.mount
    variables |= {one.variable: one.value for one in outputs(config) if one.kind == "variable"}
    return variables


def container(config: Config, program: Program, image: Ref, logs: LogGroup) -> ContainerDefinition:
    """Return the container of ``program``, from ``image``, writing to ``logs``."""
    more: dict[str, Any] = {}
    labels = dict(program.labels)
    passed = [
        Secret(Name=one.variable, ValueFrom=one.value)
        for one in outputs(config)
        if one.kind == "secret"
    ]
    if config.instance:
        # An instance that is made anew has the same secret: this tells ECS that the tasks are not the same.
        labels["underpass.database"] = given("DatabaseInstanceId")
    if config.database:
        passed += database_access.secrets(config.database)
    passed += secrets.entries(config.service.secrets)
    labels |= secrets.labels(config)
    if labels:
        more["DockerLabels"] = labels
    if passed:
        more["Secrets"] = passed
    mounts = scratch_mounts(config, of_service(config))
    if config.files:
        files = MountPoint(
            SourceVolume=FILES_VOLUME, ContainerPath=config.files.mount, ReadOnly=False
        )
        mounts = [files, *mounts]
    if mounts:
        more["MountPoints"] = mounts
    if program.stop_timeout_s != STOP_TIMEOUT_S:
        more["StopTimeout"] = program.stop_timeout_s
    if program.health_command:
        more["HealthCheck"] = health_check(program.health_command, config.service.grace_period)
    return ContainerDefinition(
        Name=program.name,
        Image=image,
        Essential=True,
        **_run(program),
        Environment=[
            Environment(Name=name, Value=value)
            for name, value in sorted(plain_environment(config, program).items())
        ],
        LogConfiguration=written_to(logs, program.name),
        **restrictions(config, of_service(config), program.memory_mib),
        **more,
    )


def _run(program: Program) -> dict[str, Any]:
    """Return what is run, and where it listens."""
    found: dict[str, Any] = {}
    if program.command:
        found["Command"] = list(program.command)
    if program.port is not None:
        found["PortMappings"] = [PortMapping(ContainerPort=program.port, Protocol="tcp")]
    return found


def health_check(command: Sequence[str], start_s: int) -> HealthCheck:
    """Return the check ECS runs inside a container, without a shell: the image may have none.

    ``start_s`` is how long the container may take until failures count.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    return HealthCheck(
        Command=["CMD", *command],
        Interval=10,
        Timeout=5,
        Retries=3,
        StartPeriod=min(start_s, LONGEST_START_PERIOD_S),
    )


def written_to(logs: LogGroup, name: str) -> LogConfiguration:
    """Return where what the container ``name`` says is kept: in streams that begin with its name."""
    return LogConfiguration(
        LogDriver="awslogs",
        Options={
            "awslogs-group": Ref(logs),
            "awslogs-region": Ref("AWS::Region"),
            "awslogs-stream-prefix": name,
        },
    )
