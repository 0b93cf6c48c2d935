"""``underpass.toml`` as values: every section and key, its default, and what is allowed.

Single keys are checked here; what two keys must agree on is in ``rules``.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from underpass.config import types as t
from underpass.config.model.access import Consumer, PrivateLink, Tls
from underpass.config.model.addons import Addon
from underpass.config.model.health import HealthCheck
from underpass.config.model.jobs import Job
from underpass.config.model.network import Network, WayOut
from underpass.config.model.permissions import Permission
from underpass.config.model.section import Between, Section
from underpass.config.model.service import Capacity, Instances, Scaling, Service
from underpass.config.model.sidecars import Sidecar
from underpass.config.model.stores import Assets, Database, ExistingDatabase, Files, RotationWindow
from underpass.config.model.workers import Worker

__all__ = [
    "Addon",
    "Alarms",
    "Assets",
    "Between",
    "Capacity",
    "Config",
    "Consumer",
    "Database",
    "ExistingDatabase",
    "Files",
    "HealthCheck",
    "Instances",
    "Job",
    "Network",
    "Permission",
    "PrivateLink",
    "RotationWindow",
    "Scaling",
    "Section",
    "Service",
    "Sidecar",
    "Tls",
    "WayOut",
    "Worker",
]


class Alarms(Section):
    """Who is told when something is wrong."""

    email: t.Email | None = Field(
        default=None, description="An address that gets every alarm; AWS asks it to confirm."
    )
    topic: t.Topic | None = Field(
        default=None, description="An existing SNS topic for the alarms, instead of a new one."
    )


class Config(Section):
    """The whole file."""

    name: t.Name = Field(
        description="The application's name, and the start of every stack's name.",
        examples=["notes"],
    )
    region: t.RegionName = Field(default="us-east-1", description="The AWS region.")
    production: t.Flag = Field(
        default=True,
        description="Protect the load balancers and the database from deletion.",
    )
    tags: dict[t.Text, t.Text] = Field(
        default={}, description="Tags of every stack, and so of every resource."
    )
    permissions_boundary: t.Boundary | None = Field(
        default=None, description="The managed policy that bounds what every role may do."
    )
    role_path: t.RolePath | None = Field(
        default=None, description="The path of every role and instance profile; / when left out."
    )
    kms_key: t.KeyArn | None = Field(
        default=None, description="An existing KMS key for data at rest, instead of a new one."
    )
    kms_key_users: tuple[t.KeyUser, ...] = Field(
        default=(),
        description="AWS services and principals that may use the new key besides underpass's own.",
    )
    log_bucket: t.LogBucket | None = Field(
        default=None,
        description=(
            "An existing bucket for the ALB's access logs, instead of a new one; a prefix may follow it."
        ),
    )
    service: Service
    workers: tuple[Worker, ...] = ()
    jobs: tuple[Job, ...] = ()
    capacity: Capacity = Capacity()
    network: Network = Network()
    database: Database | None = None
    files: Files | None = None
    assets: Assets | None = None
    privatelink: PrivateLink = PrivateLink()
    tls: Tls | None = None
    alarms: Alarms = Alarms()
    consumers: tuple[Consumer, ...] = ()
    addons: tuple[Addon, ...] = ()
    folder: SkipJsonSchema[Path] = Field(
        default=Path(), exclude=True, description="The folder of the file; set by the loader."
    )
    documents: SkipJsonSchema[dict[str, Any]] = Field(
        default={},
        exclude=True,
        description="The add-ons' templates by the names of their files; set by the loader.",
    )

    @property
    def domain(self) -> str:
        """The name consumers use."""
        return self.privatelink.domain or f"{self.name}.internal"

    def family(self, name: str) -> str:
        """Return what the task definitions of ``name`` are called, as no application can be."""
        return f"{self.name}_{name}"

    @property
    def listener_port(self) -> int:
        """The port of the endpoint, the NLB and the ALB: 443 with TLS, else 80."""
        return 443 if self.tls else 80

    @property
    def instance(self) -> Database | None:
        """The database underpass makes; None for none, and for one that is there already."""
        return self.database if self.database and not self.database.existing else None

    @property
    def named_blocks(self) -> tuple[IPv4Network, ...]:
        """Every block the file names as a consumer's, each once, in order."""
        named = {block for consumer in self.consumers for block in consumer.blocks}
        return tuple(sorted(named.union(self.privatelink.allow_cidrs)))

    @property
    def enforces(self) -> bool:
        """Whether the NLB admits the named blocks only."""
        enforce = self.privatelink.enforce
        return bool(self.named_blocks) if enforce is None else enforce == "named"

    @property
    def other_regions(self) -> tuple[str, ...]:
        """The regions besides its own from which it may be used."""
        named = [consumer.region for consumer in self.consumers if consumer.region]
        others = dict.fromkeys((*self.privatelink.supported_regions, *named))
        return tuple(name for name in others if name != self.region)
