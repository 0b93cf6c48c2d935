"""Whether the instances a configuration asks for are offered, and have room for its tasks.

ECS waits for room for as long as it takes, so what never fits is better told before. The stored facts know
most instance types; AWS is asked about the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.facts import InstanceType, instance_type
from underpass.deploy.preflight.zones import offering
from underpass.errors import UsageError

# The kernel takes its part before ECS sees the rest; AWS advises a buffer of 5 %.
_MEMORY = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html"
_SAFE_MEMORY = 0.95
_SCALING = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html"


def check(ec2: Any, config: Config, zones: Mapping[str, str]) -> tuple[str, ...]:
    """Return what to warn of.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.
    zones
        The names of the application's zones by their ids.

    Raises
    ------
    UsageError
        When the instance type does not exist, is not offered in a zone, or is too small for one task.
    """
    warnings = [*_from_none(config)]
    if config.capacity.provider == "ec2":
        name = config.capacity.instance_type
        kind = instance_type(name) or _described(ec2, name, config.region)
        _fits(config, kind)
        _offered(ec2, name, config.region, zones)
        warnings += _warnings(config, kind)
    return tuple(warnings)


def _from_none(config: Config) -> Iterator[str]:
    """Yield that none stay none: the metrics that are followed come from the tasks themselves."""
    if not config.service.tasks.min:
        yield (
            f"[service] tasks.max is {config.service.tasks.max}, and nothing scales up from "
            f"tasks.min = 0: without a task there is no metric to follow ({_SCALING})"
        )


def _fits(config: Config, kind: InstanceType) -> None:
    service = config.service
    if service.cpu > kind.cpu_units:
        raise UsageError(
            f"a task does not fit on a {kind.name}",
            f"[service] cpu is {service.cpu} CPU units, and the instance has {kind.cpu_units}",
            "choose a larger [capacity] instance_type, or less cpu",
        )
    if not kind.room_in_memory(service.memory):
        raise UsageError(
            f"a task does not fit on a {kind.name}",
            f"[service] memory is {service.memory} MiB, and the instance has {kind.memory_mib}, "
            f"the system's share among them ({_MEMORY})",
            "choose a larger [capacity] instance_type, or less memory",
        )


def _offered(ec2: Any, name: str, region: str, zones: Mapping[str, str]) -> None:
    where = offering(ec2, name)
    missing = [f"{zones[zone]} ({zone})" for zone in zones if zone not in where]
    if missing:
        raise UsageError(
            f"instance type {name} is not offered in {', '.join(missing)}",
            f"in {region} it is offered in {', '.join(sorted(where)) or 'no zone'}",
            "choose another [capacity] instance_type, or subnets or zone_ids of those zones",
        )


def _warnings(config: Config, kind: InstanceType) -> Iterator[str]:
    service, most = config.service, config.capacity.instances.max
    room = kind.room(service.cpu, service.memory) * most
    told = f"{most} instances of type {kind.name} have room for {room} tasks, and [service] tasks"
    if room < service.tasks.min:
        yield f"{told}.min is {service.tasks.min}"
    elif room == service.tasks.min:
        yield (
            f"{told}.min is {service.tasks.min}: a deployment starts a new task before it stops an "
            "old one, and will find no room"
        )
    elif room < service.tasks.max:
        yield f"{told}.max is {service.tasks.max}: scaling will not get there"
    if service.memory > _SAFE_MEMORY * kind.memory_mib:
        yield (
            f"[service] memory is {service.memory} MiB of the {kind.memory_mib} of a {kind.name}: "
            "the system takes some first, and ECS may find no room for a task"
        )


def _described(ec2: Any, name: str, region: str) -> InstanceType:
    try:
        kind = ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInstanceType":
            raise
        raise UsageError(
            f"there is no instance type {name} in {region}",
            error.response["Error"]["Message"],
            "change [capacity] instance_type",
        ) from error
    return InstanceType(
        name,
        kind["VCpuInfo"]["DefaultVCpus"],
        kind["MemoryInfo"]["SizeInMiB"],
        kind["NetworkInfo"]["MaximumNetworkInterfaces"],
        kind["ProcessorInfo"]["SupportedArchitectures"][-1],
    )
