"""What the container is not allowed: its own files, privileges, capabilities; and where it may write.

The user it runs as is the image's own (``USER`` in the Dockerfile) unless the file names one: a number chosen
here could not know who owns the image's files. Without capabilities and without new privileges, even root is
nobody much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from troposphere.ecs import KernelCapabilities, LinuxParameters, MountPoint, Tmpfs, Volume

from underpass.config import Config
from underpass.config.facts.capabilities import GIVEN

UNPRIVILEGED_PORT = 1024
BINDS_LOW_PORTS = "NET_BIND_SERVICE"


@dataclass(frozen=True)
class Confinement:
    """How far a container is let.

    Attributes
    ----------
    read_only
        Whether its own files cannot be written, but for what is in ``writable``.
    user
        Whom it runs as; None for the image's own.
    capabilities
        What root keeps of what Docker gives it.
    port
        Where it listens; below 1024 that takes a right.
    """

    read_only: bool
    writable: tuple[str, ...]
    user: str | None = None
    capabilities: tuple[str, ...] = ()
    port: int | None = None


def of_service(config: Config) -> Confinement:
    """Return how far the application's own containers are let; what is a file system needs no folder."""
    service = config.service
    taken = {config.files.mount} if config.files else set[str]()
    writable = tuple(path for path in service.writable if path not in taken)
    return Confinement(
        service.read_only, writable, service.user, service.capabilities, service.port
    )


def restrictions(config: Config, confined: Confinement, memory_mib: int) -> dict[str, Any]:
    """Return the properties of the container definition that hold it down, of a task of that size.

    ECS Exec writes into the container it opens, so that a read-only one cannot have it.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
    """
    found: dict[str, Any] = {
        "LinuxParameters": _linux_parameters(config, confined, memory_mib),
        "ReadonlyRootFilesystem": confined.read_only and not config.service.exec,
    }
    if confined.user is not None:
        found["User"] = confined.user
    if config.capacity.provider == "ec2":  # Fargate has no such field
        found["DockerSecurityOptions"] = ["no-new-privileges"]
    return found


def scratch_volumes(config: Config, confined: Confinement, prefix: str = "") -> list[Volume]:
    """Return an empty volume for each writable folder, on EC2.

    A bind mount without a host path lives on the instance's encrypted disk and goes with the task; Docker
    fills it with the image's own folder, and so with its owner and mode.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html
    """
    return [Volume(Name=name) for name, _ in _on_disk(config, confined, prefix)]


def scratch_mounts(config: Config, confined: Confinement, prefix: str = "") -> list[MountPoint]:
    """Return where those volumes appear in the container."""
    return [
        MountPoint(SourceVolume=name, ContainerPath=path, ReadOnly=False)
        for name, path in _on_disk(config, confined, prefix)
    ]


def _on_disk(config: Config, confined: Confinement, prefix: str) -> list[tuple[str, str]]:
    if config.capacity.provider == "fargate":
        return []
    folders = dict.fromkeys(confined.writable)
    return [(f"{prefix}scratch-{number}", path) for number, path in enumerate(folders, 1)]


def _linux_parameters(config: Config, confined: Confinement, memory_mib: int) -> LinuxParameters:
    """Return init process and capabilities and, on Fargate, the writable folders.

    An empty volume of Fargate's belongs to root with mode 0755 unless the image declares it with VOLUME, so
    that an image's ordinary user could not write it: there a writable folder is memory, of which the
    task has to have enough. https://github.com/aws/containers-roadmap/issues/736
    """
    more: dict[str, Any] = {}
    if config.capacity.provider == "fargate" and confined.writable:
        writable = dict.fromkeys(confined.writable)
        # A quarter of the memory for all of them: what they hold, the application has not.
        size_mib = max(memory_mib // 4 // len(writable), 4)
        more["Tmpfs"] = [
            Tmpfs(ContainerPath=path, Size=size_mib, MountOptions=["mode=1777"])
            for path in writable
        ]
    return LinuxParameters(
        InitProcessEnabled=True,  # reaps children, passes signals on
        Capabilities=KernelCapabilities(Drop=_dropped(confined)),
        **more,
    )


def _dropped(confined: Confinement) -> list[str]:
    kept = {*confined.capabilities}
    if confined.port is not None and confined.port < UNPRIVILEGED_PORT:
        kept.add(BINDS_LOW_PORTS)
    if not kept:
        return ["ALL"]
    # "ALL" and adding some back is not open to Fargate, which adds nothing but SYS_PTRACE.
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html
    return [name for name in GIVEN if name not in kept]
