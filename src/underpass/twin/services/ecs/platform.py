"""What tasks are given to run on: the region's network, files, logs and table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from underpass.twin.region.context import Region
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.ecs.metadata import Metadata
from underpass.twin.services.ecs.table import Table
from underpass.twin.services.logs.awslogs import Logs


class FileSystems(Protocol):
    """What tasks need of EFS."""

    def directory(
        self, file_system_id: str, access_point_id: str, root: str, interface_id: str
    ) -> tuple[Path, str]:
        """Return the folder of a file system and the path within it, to mount over ``interface_id``.

        Raises
        ------
        UnderpassError
            When it does not exist, or the interface does not reach a mount target.
        """


@dataclass(frozen=True)
class Platform:
    """All that a task's agent works with."""

    region: Region
    networks: Fabric
    files: FileSystems
    table: Table
    logs: Logs
    metadata: Metadata

    @property
    def mount_point(self) -> Path:
        """An empty folder that every sandbox mounts its root on, each in its own mount namespace."""
        folder = self.region.run / "sandbox"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
