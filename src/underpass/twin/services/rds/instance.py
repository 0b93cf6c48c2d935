"""One DB instance: keeps its interface, its data and its server as the RDS API wants them."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from underpass.errors import UnderpassError
from underpass.twin.region.certificates import Authority
from underpass.twin.region.context import Region
from underpass.twin.region.reconcile import Reconciler
from underpass.twin.region.topics import Topic
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.rds import interface, psql
from underpass.twin.services.rds import patches as rds
from underpass.twin.services.rds.data_folder import DataFolder
from underpass.twin.services.rds.engine_parameters import of_family
from underpass.twin.services.rds.interface import Interface
from underpass.twin.services.rds.observe import Wanted, wanted
from underpass.twin.services.rds.server import Server, Spec
from underpass.twin.services.rds.versions import Binaries, find

log = logging.getLogger(__name__)

PRELOADED = "shared_preload_libraries"
_CRASHES = 5  # this many within the window, and it is not started again
_CRASH_WINDOW_S = 60.0

Claim = Callable[[Wanted], DataFolder]


class Instance:
    """A DB instance with one server; a standby would be a second ``Server`` on a second interface.

    Parameters
    ----------
    claim
        Gives the data folder that belongs to the instance.
    """

    def __init__(self, region: Region, fabric: Fabric, identifier: str, claim: Claim) -> None:
        self.identifier = identifier
        self.loop = Reconciler(f"database-{identifier}", self.reconcile)
        self.folder: DataFolder | None = None
        self._region = region
        self._fabric = fabric
        self._claim = claim
        self._server: Server | None = None
        self._prepared: tuple[str, ...] = ()
        self._crashes: list[float] = []
        self._told: set[str] = set()
        self._actions = {"deleting": self._remove, "stopping": self._stop, "starting": self._run}

    def reconcile(self) -> None:
        """Look at what is wanted and make it so."""
        found = self._describe()
        if found is None or found.status in {"failed", "stopped"}:
            return
        private = rds.private(self._region.name, self.identifier)
        try:
            self._actions.get(found.status, self._run)(found, private)
        except UnderpassError as error:
            self._report(private, "failed", str(error))

    def end(self) -> None:
        """Stop what runs; the data and what RDS knows stay."""
        if self._server:
            self._server.stop()
        if self.folder:
            self.folder.release()
            self.folder = None

    def _describe(self) -> Wanted | None:
        # All of them: asking for one that was just deleted would be an error.
        described = self._region.clients("rds").describe_db_instances()["DBInstances"]
        mine = [one for one in described if one["DBInstanceIdentifier"] == self.identifier]
        return wanted(mine[0]) if mine else None

    def _run(self, found: Wanted, private: rds.Private) -> None:
        if len(self._crashes) >= _CRASHES:
            self._crashes.clear()
            raise UnderpassError("PostgreSQL keeps ending", f"see {self._log_file()}")
        binaries = find(found.version)
        assert binaries is not None  # the API refused every other version
        folder = self.folder = self.folder or self._claim(found)
        if self._server and self._server.spec.binaries.major < binaries.major:
            self._upgrade(folder, binaries)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(folder.ensure, binaries)  # while the interface is being wired
            eni = interface.ensure(self._region.clients("ec2"), found)
            endpoint = rds.address(self._region.name, self.identifier)
            certificate = Authority(self._region.state / "tls").issue([endpoint])
            self._fabric.wait_up(eni.id)
            made.result()
        spec = Spec(
            name=self.identifier,
            binaries=binaries,
            data=folder.data,
            sockets=self._region.run / "databases" / eni.id,
            address=eni.address,
            port=found.port,
            certificate=certificate,
            enter=tuple(self._fabric.enter(eni.id)),
            **self._parameters(found.parameter_group, binaries),
        )
        self._serve(spec, restart=found.status == "rebooting")
        master = (found.username, private.password, found.database)
        if self._prepared != master:  # as RDS: what SQL makes of the password later stays
            psql.prepare(spec, *master)
            self._prepared = master
        self._name(eni)
        self._report(private, "available")

    def _upgrade(self, folder: DataFolder, binaries: Binaries) -> None:
        """Bring the data to a later major version; the server is down meanwhile, as in RDS."""
        assert self._server is not None
        self._event("DB instance upgrade started", "maintenance")
        self._server.stop()
        folder.upgrade(binaries, self._server.spec.sockets)
        self._event(f"DB instance upgraded to {binaries.version}", "maintenance")

    def _parameters(self, group: str, binaries: Binaries) -> dict[str, Any]:
        """Return what the user's own parameter group sets, without libraries the twin's server has not."""
        if group.startswith("default."):
            return {}
        pages = self._region.clients("rds").get_paginator("describe_db_parameters")
        told = [
            parameter
            for page in pages.paginate(DBParameterGroupName=group)
            for parameter in page["Parameters"]
            if parameter.get("ParameterValue")
        ]
        found = {one["ParameterName"]: one["ParameterValue"] for one in told}
        known = of_family(f"postgres{binaries.major}")
        later = (
            one["ParameterName"]
            for one in told
            if one.get("ApplyMethod") != "immediate" and not known[one["ParameterName"]].static
        )
        if wanted := found.get(PRELOADED):
            libraries = [one.strip() for one in wanted.split(",")]
            there = [one for one in libraries if binaries.has_library(one)]
            found[PRELOADED] = ",".join(there)
            if missing := ", ".join(one for one in libraries if one not in there):
                self._tell_once(f"the twin's PostgreSQL has no {missing}: it runs without")
        return {"parameters": tuple(found.items()), "pending": frozenset(later)}

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._event(message, "notification")

    def _serve(self, spec: Spec, *, restart: bool) -> None:
        """Have a server run with ``spec``: started, or started anew when that is wanted."""
        server = self._server
        if server and server.running:
            if server.spec == spec and not restart:
                server.configure(spec)
                return
            self._event("DB instance shutdown", "availability")
            server.stop()
        self._server = server = Server(spec, self._log_file(), self._crashed)
        server.start()
        self._event("DB instance restarted" if restart else "DB instance started", "availability")

    def _crashed(self) -> None:
        """Have a server that ended by itself started again."""
        log.warning("database %s ended by itself", self.identifier)
        now = time.monotonic()
        self._crashes = [when for when in self._crashes if now - when < _CRASH_WINDOW_S] + [now]
        self._event("The database process ended unexpectedly; it is being restarted.", "failure")
        self.loop.wake()

    def _stop(self, _: Wanted, private: rds.Private) -> None:
        if self._server:
            self._server.stop()
        self._event("DB instance stopped", "availability")
        self._report(private, "stopped")

    def _remove(self, _: Wanted, __: rds.Private) -> None:
        self._region.names.set(self._source, "*", {})
        self.end()
        ec2 = self._region.clients("ec2")
        eni = interface.find(ec2, self.identifier)
        if eni:
            interface.remove(ec2, self.identifier)
            shutil.rmtree(self._region.run / "databases" / eni.id, ignore_errors=True)
        rds.removed(self._region.name, self.identifier)
        self._region.feed.publish(
            Topic.RDS
        )  # the controller forgets it; who waits for its end goes on

    def _name(self, eni: Interface) -> None:
        """Lead the endpoint's name to the interface, from everywhere: RDS names resolve publicly."""
        endpoint = rds.address(self._region.name, self.identifier)
        self._region.names.set(self._source, "*", {endpoint: (eni.address,)})

    def _report(self, private: rds.Private, status: str, message: str = "") -> None:
        if message:
            log.error("database %s: %s", self.identifier, message)
            self._event(message, "failure")
        if rds.report(self._region.name, self.identifier, private.generation, status, message):
            self._region.feed.publish(Topic.DATABASES)

    def _event(self, message: str, category: str) -> None:
        rds.event(self._region.name, self.identifier, message, category)

    def _log_file(self) -> Path:
        assert self.folder is not None
        return self.folder.log

    @property
    def _source(self) -> str:
        return f"rds/{self.identifier}"
