"""Whether the instances a configuration asks for have room for its tasks.

ECS waits for room for as long as it takes, so what never fits is better told before.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.errors import UsageError

_UNITS_PER_CPU = 1024


def check(ec2: Any, config: Config) -> str:
    """Return what to warn of, or nothing.

    Parameters
    ----------
    ec2
        A boto3 EC2 client in the provider's account.

    Raises
    ------
    UsageError
        When the instance type does not exist, or is too small for a single task.
    """
    if config.capacity.provider != "ec2":
        return ""
    name, service = config.capacity.instance_type, config.service
    kind = _described(ec2, name, config.region)
    cpu, memory = kind["VCpuInfo"]["DefaultVCpus"] * _UNITS_PER_CPU, kind["MemoryInfo"]["SizeInMiB"]
    for has, asks, unit, key in (
        (cpu, service.cpu, "CPU units", "cpu"),
        (memory, service.memory, "MiB", "memory"),
    ):
        if asks > has:
            raise UsageError(
                f"a task does not fit on a {name}",
                f"[service] {key} is {asks} {unit}, and the instance has {has}",
                f"choose a larger [capacity] instance_type, or less {key}",
            )
    # In awsvpc mode each task has an interface, and one is the instance's own. Trunking allows more.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
    interfaces = kind["NetworkInfo"]["MaximumNetworkInterfaces"] - 1
    each = min(interfaces, cpu // service.cpu, memory // service.memory)
    room = each * config.capacity.instances.max
    if service.tasks.min <= room:
        return ""
    return (
        f"{config.capacity.instances.max} instances of type {name} have room for {room} tasks, "
        f"and [service] tasks.min is {service.tasks.min}"
    )


def _described(ec2: Any, name: str, region: str) -> Any:
    try:
        return ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidInstanceType":
            raise
        raise UsageError(
            f"there is no instance type {name} in {region}",
            error.response["Error"]["Message"],
            "change [capacity] instance_type",
        ) from error
