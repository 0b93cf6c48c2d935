"""``[database]``, ``[files]`` and ``[assets]``: what holds data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section

_PORTS = {"postgres": 5432, "mysql": 3306, "mariadb": 3306}


class RotationWindow(Section):
    """When the passwords are changed."""

    schedule: t.RotationSchedule = Field(
        description="A cron expression of Secrets Manager's, in UTC: a day, at a full hour.",
        examples=["cron(0 3 ? * SUN *)"],
    )
    hours: t.Whole = Field(default=2, ge=1, le=24, description="How long it stays open, that day.")


class ExistingDatabase(Section):
    """A database that is there already: an RDS instance, an Aurora cluster, whoever's."""

    secret: t.DatabaseSecret = Field(
        description="The secret with username and password, as JSON; and with what is left out here.",
        examples=["arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf"],
    )
    security_group: t.GroupId = Field(
        description="The database's security group, which the tasks reach.",
        examples=["sg-0123456789abcdef0"],
    )
    host: t.DatabaseHost | None = Field(
        default=None, description="Where it is; left out, the secret's key host says it."
    )
    port: t.Whole | None = Field(
        default=None, ge=1, le=65535, description="Its port; left out, the engine's own."
    )
    name: t.DatabaseName | None = Field(
        default=None, description="The database's name; left out, the secret's key dbname says it."
    )
    kms_key: t.KeyArn | None = Field(
        default=None, description="The key the secret is encrypted with, unless it is AWS's own."
    )
    admit: t.Flag = Field(
        default=True,
        description="Add the rule to its security group that lets the tasks in; or its owner does.",
    )


class Database(Section):
    """An RDS instance, or a database that is there already."""

    engine: Literal["postgres", "mysql", "mariadb"] = Field(
        default="postgres", description="The engine; the twin runs postgres."
    )
    version: t.Version = Field(
        default="16",
        description="The engine's version; MySQL's and MariaDB's has at least two numbers, \"8.4\".",
    )
    instance_class: t.InstanceClass = Field(
        default="db.t4g.micro", description="The instance class."
    )
    storage_gb: t.Whole = Field(default=20, ge=20, le=65536, description="GiB of gp3 storage.")
    multi_az: t.Flag = Field(default=True, description="A synchronous standby in another zone.")
    name: t.DatabaseName = Field(default="app", description="The database's name.")
    backup_days: t.Whole = Field(
        default=7, ge=1, le=35, description="Days that daily backups are kept."
    )
    rotation_days: t.Whole | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Days between changes of the passwords; left out: they are not changed.",
    )
    rotation_window: RotationWindow | None = Field(
        default=None, description="When they are changed, instead of after so many days."
    )
    maintenance_window: t.MaintenanceWindow | None = Field(
        default=None, description="When RDS may interrupt, in UTC; left out: RDS chooses."
    )
    backup_window: t.BackupWindow | None = Field(
        default=None, description="When the daily backup is made, in UTC; left out: RDS chooses."
    )
    seed: t.Text | None = Field(
        default=None, description="A file of SQL loaded once, relative to this file."
    )
    parameters: dict[t.Parameter, t.ParameterValue] = Field(
        default={}, description="Further parameters of the engine, with values as RDS writes them."
    )
    allow_major_upgrade: t.Flag = Field(
        default=False,
        description="Let a later version upgrade the database: an outage, and no way back.",
    )
    snapshot: t.Snapshot | None = Field(
        default=None,
        description="A snapshot the database is restored from once; it stays in the file.",
    )
    master: t.Master = Field(
        default="underpass", description="The master user; a snapshot keeps the one it has."
    )
    existing: ExistingDatabase | None = Field(
        default=None, description="A database that is there already, instead of an instance."
    )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return (self.existing and self.existing.port) or _PORTS[self.engine]

    @property
    def rotates(self) -> bool:
        """Whether the passwords are changed on schedule."""
        return bool(self.rotation_days or self.rotation_window)


class Files(Section):
    """A shared file system (EFS)."""

    mount: t.Mount = Field(default="/data", description="Where the tasks see it.")


class Assets(Section):
    """A bucket of static assets (S3)."""

    source: t.Text = Field(
        description="The folder whose files are uploaded, relative to this file.",
        examples=["static/"],
    )
