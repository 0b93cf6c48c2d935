"""EFS on the twin: a folder for each file system, and mount targets that must really be reached.

``<state>/files/<name>/`` holds a file system's files. The name is the same at every ``up`` (that of the stack
and the resource, or else the creation token), so the files outlive the region; they outlive the file system
too, as a deleted stack's retained one does.

Tasks see the folder itself, not NFS. What decides whether they may is the network, as on AWS: each mount
target listens on its interface, and a folder is handed out only to an interface from which a connection to
the mount target of its own zone comes through both security groups.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from underpass.errors import UnderpassError
from underpass.twin.linux.sandbox.kernel import open_folder
from underpass.twin.region.context import Region
from underpass.twin.region.state_names import state_name
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Worker
from underpass.twin.services.ec2.fabric import Fabric

log = logging.getLogger(__name__)

NFS_PORT = 2049
_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class MountTarget:
    """A file system's address in a zone."""

    id: str
    file_system_id: str
    vpc_id: str
    zone: str
    address: str
    interface_id: str


class Files:
    """The controller of mount targets, and the way from a file system's id to its folder."""

    topics: ClassVar[tuple[Topic, ...]] = (Topic.EFS,)

    def __init__(self, region: Region, fabric: Fabric) -> None:
        self._region = region
        self._fabric = fabric
        self._listening: dict[MountTarget, tuple[Worker, socket.socket]] = {}
        self._named: set[str] = set()  # the VPCs whose DNS knows mount targets

    def reconcile(self) -> None:
        """Listen on every mount target there is, and name it in its VPC's DNS."""
        targets = {target for system in self._systems() for target in self._targets(system)}
        for gone in self._listening.keys() - targets:
            _close(*self._listening.pop(gone))
        for target in targets - self._listening.keys():
            self._fabric.wait_up(target.interface_id)
            listener = self._fabric.socket(target.interface_id)
            try:
                listener.bind((target.address, NFS_PORT))
                listener.listen()
            except OSError:
                listener.close()
                raise
            worker = Worker(target.id, partial(_greet, listener)).start()
            self._listening[target] = worker, listener
        self._name(targets)

    def stop(self) -> None:
        """Stop listening."""
        for listening in self._listening.values():
            _close(*listening)
        self._listening.clear()

    def directory(
        self,
        file_system_id: str,
        access_point_id: str = "",
        root: str = "/",
        interface_id: str = "",
    ) -> tuple[Path, str]:
        """Return a file system's folder and the path within it, for a mount over ``interface_id``.

        Whoever has the file system mounted may change its links, so the path must be followed beneath
        the folder (``sandbox.kernel.open_folder``).

        Parameters
        ----------
        access_point_id
            The access point to mount through; its root directory is made if it says how.
        root
            Without an access point, the folder of the file system to mount.
        interface_id
            The task's interface; when empty, nothing is asked of the network.

        Raises
        ------
        UnderpassError
            When it does not exist, or the interface does not reach a mount target.
        """
        folder = self.folder(self._system(file_system_id))
        path, creation = root, None
        if access_point_id:
            point = self._access_point(file_system_id, access_point_id)
            path, creation = point["Path"], point.get("CreationInfo")
        if interface_id:
            self._reach(file_system_id, interface_id)
        part = path.strip("/")
        try:
            _ensure(folder, part, int(creation["Permissions"], 8) if creation else None)
        except FileNotFoundError as error:
            raise UnderpassError(
                f"{path} does not exist in {file_system_id}",
                "neither the access point nor anything else makes it",
                "give the access point's RootDirectory its CreationInfo",
            ) from error
        except OSError as error:
            what = "leads out of" if error.errno == errno.EXDEV else "cannot be opened in"
            why = "a link in it points away" if error.errno == errno.EXDEV else error.strerror or ""
            raise UnderpassError(f"{path} {what} {file_system_id}", why) from error
        return folder, part

    def folder(self, system: Mapping[str, Any]) -> Path:
        """Return the folder of a described file system, made first if need be."""
        name = state_name(system.get("Tags", ()), system["CreationToken"])
        folder = self._region.state.resolve() / "files" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _systems(self) -> list[str]:
        pages = self._region.clients("efs").get_paginator("describe_file_systems").paginate()
        return [system["FileSystemId"] for page in pages for system in page["FileSystems"]]

    def _system(self, file_system_id: str) -> Mapping[str, Any]:
        try:
            found = self._region.clients("efs").describe_file_systems(FileSystemId=file_system_id)
        except ClientError as error:
            raise UnderpassError(f"{file_system_id} does not exist", str(error)) from error
        system: Mapping[str, Any] = found["FileSystems"][0]
        return system

    def _access_point(self, file_system_id: str, access_point_id: str) -> Mapping[str, Any]:
        """Return an access point's root directory."""
        efs = self._region.clients("efs")
        try:
            found = efs.describe_access_points(AccessPointId=access_point_id)["AccessPoints"]
        except ClientError as error:
            raise UnderpassError(f"{access_point_id} does not exist", str(error)) from error
        if not found or found[0]["FileSystemId"] != file_system_id:
            raise UnderpassError(f"{access_point_id} is not an access point of {file_system_id}")
        root: Mapping[str, Any] = found[0]["RootDirectory"]
        return root

    def _targets(self, file_system_id: str) -> list[MountTarget]:
        efs = self._region.clients("efs")
        described = efs.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
        return [
            MountTarget(
                one["MountTargetId"],
                file_system_id,
                one["VpcId"],
                one["AvailabilityZoneName"],
                one["IpAddress"],
                one["NetworkInterfaceId"],
            )
            for one in described
        ]

    def _reach(self, file_system_id: str, interface_id: str) -> None:
        """Connect from an interface to the mount target of its zone, or say what is in the way."""
        described = self._region.clients("ec2").describe_network_interfaces(
            NetworkInterfaceIds=[interface_id]
        )["NetworkInterfaces"][0]
        vpc_id, zone = described["VpcId"], described["AvailabilityZone"]
        targets = [
            target
            for target in self._targets(file_system_id)
            if (target.vpc_id, target.zone) == (vpc_id, zone)
        ]
        if not targets:
            raise UnderpassError(
                f"{file_system_id} cannot be mounted in {zone}",
                f"it has no mount target in {zone} of {vpc_id}",
                "add a mount target in that zone",
            )
        target = targets[0]
        with self._fabric.socket(interface_id) as line:
            line.settimeout(_CONNECT_TIMEOUT_S)
            try:
                line.connect((target.address, NFS_PORT))
            except OSError as error:
                raise UnderpassError(
                    f"{file_system_id} cannot be mounted",
                    f"{interface_id} does not reach {target.address} port {NFS_PORT}: {error}",
                    "let the mount target's security group admit the task's, and the task's send there",
                ) from error

    def _name(self, targets: set[MountTarget]) -> None:
        """Name mount targets as AWS does, in their own VPC only."""
        suffix = f"efs.{self._region.name}.amazonaws.com"
        left, self._named = self._named, {target.vpc_id for target in targets}
        for vpc_id in left | self._named:
            records: dict[str, tuple[str, ...]] = {}
            for target in sorted(targets, key=lambda one: one.zone):
                if target.vpc_id == vpc_id:
                    name = f"{target.file_system_id}.{suffix}"
                    records[name] = (*records.get(name, ()), target.address)
                    records[f"{target.zone}.{name}"] = (target.address,)
            self._region.names.set(f"efs/{vpc_id}", vpc_id, records)


def _ensure(folder: Path, part: str, mode: int | None) -> None:
    """Make the missing folders of ``part`` within ``folder``, the last with ``mode``; None makes none.

    Raises
    ------
    OSError
        When one is missing and may not be made, or the path leads out of ``folder``.
    """
    parts = Path(part).parts
    with ExitStack() as opened:

        def kept(handle: int) -> int:
            opened.callback(os.close, handle)
            return handle

        root = here = kept(os.open(folder, os.O_RDONLY | os.O_DIRECTORY))
        for number, name in enumerate(parts, 1):
            above, so_far = here, "/".join(parts[:number])
            try:
                here = kept(open_folder(root, so_far))
            except FileNotFoundError:
                if mode is None:
                    raise
                with suppress(FileExistsError):  # another task's start was faster
                    os.mkdir(name, dir_fd=above)
                here = kept(open_folder(root, so_far))
                if number == len(parts):
                    os.fchmod(here, mode)


def _greet(listener: socket.socket) -> None:
    """Take a connection and end it: that it came about is all that is asked."""
    listener.accept()[0].close()


def _close(worker: Worker, listener: socket.socket) -> None:
    worker.stopping.set()
    try:
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    except OSError:
        log.debug("%s was closed already", listener)
    listener.close()
