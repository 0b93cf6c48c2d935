"""The databases of a region: one ``Instance``, in a thread of its own, for each that RDS describes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from underpass.twin.region.context import Region
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.rds.data_folder import DataFolder
from underpass.twin.services.rds.instance import Instance
from underpass.twin.services.rds.observe import Wanted


class Databases:
    """The controller of all DB instances.

    Data are in ``<state>/databases/<name>/``, where the name is the same at every ``up``: that of the
    stack and the resource, or else the instance's identifier.
    """

    topics: ClassVar[tuple[Topic, ...]] = (Topic.RDS,)

    def __init__(self, region: Region, fabric: Fabric) -> None:
        self._region = region
        self._fabric = fabric
        self._instances: dict[str, Instance] = {}
        self._claims: dict[str, tuple[str, DataFolder]] = {}  # by identifier: state name, folder
        self._lock = threading.Lock()

    def reconcile(self) -> None:
        """Have an instance's thread for each described instance, and none for others."""
        described = self._region.clients("rds").describe_db_instances()["DBInstances"]
        there = {one["DBInstanceIdentifier"] for one in described}
        for gone in [name for name in self._instances if name not in there]:
            self._instances.pop(gone).loop.stop()
            self._give_up(gone)
        for name in there:
            if name in self._instances:
                self._instances[name].loop.wake()
            else:
                made = Instance(self._region, self._fabric, name, self._claim)
                self._instances[name] = made
                made.loop.start(self._region.feed, ())

    def stop(self) -> None:
        """Shut every server down, side by side."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(_end, self._instances.values()))

    def _claim(self, found: Wanted) -> DataFolder:
        """Return the folder of an instance's data.

        While an instance lives, its replacement (the same resource of the same stack) gets a folder
        beside it.
        """
        with self._lock:
            taken = found.state_name in {name for name, _ in self._claims.values()}
            name = f"{found.state_name}-{found.identifier}" if taken else found.state_name
            folder = DataFolder(self._region.state / "databases" / name)
            self._claims[found.identifier] = (found.state_name, folder)
            return folder

    def _give_up(self, identifier: str) -> None:
        """Let the state name of a replaced instance lead to its replacement's data."""
        with self._lock:
            state_name, folder = self._claims.pop(identifier, ("", None))
            for other, replacement in self._claims.values():
                if folder and other == state_name:
                    folder.set_aside(replacement.folder.name)


def _end(instance: Instance) -> None:
    instance.loop.stop()  # first, or it would start the server again
    instance.end()
