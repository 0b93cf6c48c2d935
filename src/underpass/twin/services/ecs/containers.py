"""From a task definition's containers to sandboxes: what each runs, mounts and prints to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.linux.capabilities import GIVEN
from underpass.twin.linux.isolation import Limit, Spec, Tmpfs, Volume
from underpass.twin.linux.process import StartError
from underpass.twin.services.ecr import bundles
from underpass.twin.services.ecr.bundles import Bundle
from underpass.twin.services.ecs import metadata
from underpass.twin.services.ecs.environment import Secrets, environment
from underpass.twin.services.ecs.model import Attachment, Container, Task
from underpass.twin.services.ecs.platform import Platform
from underpass.twin.services.logs.awslogs import Destination

Definition = Mapping[str, Any]
STOP_TIMEOUT_S = 30
TERMINATED = 143  # the exit code of what SIGTERM ends


def planned(definition: Definition) -> tuple[Container, ...]:
    """Return a task's containers before they start."""
    return tuple(
        Container(
            name=container["name"],
            image=container["image"],
            runtime_id=secrets.token_hex(16) + "-" + str(secrets.randbelow(10**10)).zfill(10),
            essential=container.get("essential", True),
            cpu=container.get("cpu", 0),
            memory_mib=container.get("memory") or container.get("memoryReservation") or 0,
        )
        for container in definition["containerDefinitions"]
    )


def destination(task: Task, container: Definition) -> Destination | None:
    """Return the log stream of a container with the ``awslogs`` driver; None for any other."""
    configuration = container.get("logConfiguration") or {}
    if configuration.get("logDriver") != "awslogs":
        return None
    options = configuration.get("options") or {}
    prefix = options.get("awslogs-stream-prefix")
    name = container["name"]
    return Destination(
        options["awslogs-group"], f"{prefix}/{name}/{task.id}" if prefix else task.id
    )


@dataclass(frozen=True)
class Pulled:
    """What a container needs of other services before it can start: its image and its environment."""

    bundle: Bundle
    environment: Mapping[str, str]


def pull(
    platform: Platform,
    task: Task,
    definition: Definition,
    container: Definition,
    runtime_id: str,
    known: Secrets,
) -> Pulled:
    """Return a container's image and environment.

    Raises
    ------
    StartError
        When its image or a secret cannot be had.
    """
    try:
        bundle = bundles.find(platform.region.state, container["image"])
    except UnderpassError as error:
        raise StartError(f"{error.what}: {error.why} ({error.try_next})") from error
    return Pulled(bundle, environment(known, task, definition, container, runtime_id))


def spec(
    platform: Platform,
    task: Task,
    attachment: Attachment,
    definition: Definition,
    container: Definition,
    pulled: Pulled,
    *,
    first: bool,
) -> Spec:
    """Return the sandbox of one container; the first of a task brings the metadata endpoint.

    Raises
    ------
    StartError
        When a volume cannot be had.
    """
    linux = container.get("linuxParameters") or {}
    hostname = f"ip-{attachment.address.replace('.', '-')}.{platform.region.internal_domain}"
    return Spec(
        app=pulled.bundle.app,
        argv=_argv(task, container) or pulled.bundle.process,
        environment=pulled.environment,
        root=platform.mount_point,
        python=pulled.bundle.python,
        network=platform.networks.path(attachment.interface_id),
        hostname=hostname,
        resolv=platform.region.resolv_conf(attachment.vpc_id),
        hosts=f"127.0.0.1 localhost\n{attachment.address} {hostname}\n",
        volumes=tuple(_volumes(platform, task, attachment, definition, container)),
        tmpfs=tuple(Tmpfs(one["containerPath"], one["size"]) for one in linux.get("tmpfs") or ()),
        limits=_limits(container),
        listen=(metadata.ADDRESS, metadata.PORT) if first else None,
        init=bool(linux.get("initProcessEnabled")),
        read_only=bool(container.get("readonlyRootFilesystem")),
        hidden=(platform.region.state,),
        user=container.get("user") or "",
        capabilities=_kept(linux.get("capabilities") or {}),
    )


def _kept(capabilities: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what root is left of what Docker gives a container; ``launch`` refuses to add any other."""
    dropped = {*(capabilities.get("drop") or ())}
    kept = () if "ALL" in dropped else tuple(name for name in GIVEN if name not in dropped)
    return (*kept, *(capabilities.get("add") or ()))


def _argv(task: Task, container: Definition) -> tuple[str, ...]:
    """Return what the definition, or RunTask, wants run instead of the image's own command."""
    command = container.get("command") or []
    for override in task.overrides.get("containerOverrides", ()):
        if override.get("name") == container["name"]:
            command = override.get("command") or command
    return (*(container.get("entryPoint") or ()), *command)


def _limits(container: Definition) -> tuple[Limit, ...]:
    wanted = {"nofile": Limit("nofile", 65536, 65536)}
    for one in container.get("ulimits") or ():
        wanted[one["name"]] = Limit(one["name"], one["softLimit"], one["hardLimit"])
    return tuple(wanted.values())


def _volumes(
    platform: Platform,
    task: Task,
    attachment: Attachment,
    definition: Definition,
    container: Definition,
) -> list[Volume]:
    defined = {volume["name"]: volume for volume in definition.get("volumes") or ()}
    found = []
    for point in container.get("mountPoints") or ():
        source, part = _source(platform, task, attachment, defined[point["sourceVolume"]])
        owned = "accessPointId" in _authorization(defined[point["sourceVolume"]])
        found.append(Volume(source, point["containerPath"], not point.get("readOnly"), part, owned))
    return found


def _source(
    platform: Platform, task: Task, attachment: Attachment, volume: Definition
) -> tuple[Path, str]:
    """Return the folder behind a volume, a file system's or the task's own, and which part of it."""
    efs = volume.get("efsVolumeConfiguration")
    if efs:
        authorization = _authorization(volume)
        try:
            return platform.files.directory(
                efs["fileSystemId"],
                authorization.get("accessPointId") or "",
                efs.get("rootDirectory") or "/",
                attachment.interface_id,
            )
        except UnderpassError as error:
            raise StartError(
                "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS "
                f"volumes: {error}"
            ) from error
    if (volume.get("host") or {}).get("sourcePath") or volume.keys() - {"name", "host"}:
        raise StartError(
            f"volume {volume['name']}: the twin has EFS volumes and empty ones, no others"
        )
    own: Path = volume_folder(platform, task.id) / volume["name"]
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o1777)  # as the /tmp of an image, which Docker would fill it from
    return own, ""


def _authorization(volume: Definition) -> Definition:
    efs = volume.get("efsVolumeConfiguration") or {}
    return efs.get("authorizationConfig") or {}


def volume_folder(platform: Platform, task_id: str) -> Path:
    """Return where the volumes that live and die with a task are."""
    return platform.region.run / "tasks" / task_id
