"""``underpass.toml`` as values: every section and key, its default, and what is allowed.

Single keys are checked here; what two keys must agree on is in ``rules``.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from underpass.config import types as t


class Section(BaseModel):
    """A section of the file: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Between(Section):
    """A least and a greatest number of something."""

    min: t.Whole = Field(default=2, ge=0, description="The least that is kept running.")
    max: t.Whole = Field(default=6, ge=1, description="The most that scaling may reach.")


class Instances(Between):
    """How many container instances there may be."""

    min: t.Whole = Field(default=2, ge=1, description="The least number of instances.")
    max: t.Whole = Field(default=4, ge=1, description="The most that scaling may reach.")


class Scaling(Section):
    """What the number of tasks follows, between ``tasks.min`` and ``tasks.max``."""

    cpu: t.Whole = Field(
        default=60,
        ge=0,
        le=100,
        description="Percent of CPU the tasks are kept at; 0 to not follow it.",
    )
    requests: t.Whole = Field(
        default=1000,
        ge=0,
        description="Requests a minute each task is kept at; 0 to not follow them.",
    )


class Service(Section):
    """What to run, and how to know that it runs."""

    build: t.Text | None = Field(
        default=None, description="A folder with a Dockerfile, relative to this file."
    )
    image: t.Image | None = Field(
        default=None, description="An image that exists already, instead of build."
    )
    port: t.Whole = Field(
        ge=1, le=65535, description="The port the application listens on.", examples=[8000]
    )
    health_check: t.HttpPath = Field(
        default="/", description="The path that answers 200-399 when the task is well."
    )
    grace_period: t.Whole = Field(
        default=60,
        ge=0,
        le=7200,
        description="Seconds a new task may take before failed health checks count.",
    )
    cpu: t.Whole = Field(
        default=256, ge=128, le=16384, description="ECS CPU units; 1024 is one vCPU."
    )
    memory: t.Whole = Field(default=512, ge=64, le=122880, description="MiB.")
    tasks: Between = Field(
        default=Between(), description="How many tasks run at least and at most."
    )
    scaling: Scaling = Field(
        default=Scaling(), description="What the number of tasks follows, between min and max."
    )
    health_command: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "A command inside the container that succeeds when the task is well; "
            "ECS replaces the task when it fails."
        ),
    )
    read_only: t.Flag = Field(
        default=True, description="The container's own files cannot be written."
    )
    writable: tuple[t.Mount, ...] = Field(
        default=("/tmp",),  # noqa: S108  the container's
        description="Folders that can be written nevertheless; they go with the task.",
    )
    exec: t.Flag = Field(
        default=False,
        description=(
            "Let `aws ecs execute-command` open a shell in a task, whose own files it can then write."
        ),
    )
    environment: dict[t.Variable, t.Plain] = Field(
        default={}, description="Plain environment variables; never secrets."
    )
    process: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "How the twin starts a task where no container engine is used; "
            "{python} is .venv/bin/python beside this file where there is one, else underpass's own."
        ),
    )


class Capacity(Section):
    """What the tasks run on."""

    provider: Literal["ec2", "fargate"] = Field(
        default="ec2", description="EC2 instances of your own, or Fargate."
    )
    instance_type: t.InstanceType = Field(
        default="t3.medium", description="The instance type, for ec2."
    )
    instances: Instances = Field(
        default=Instances(), description="How many instances run at least and at most, for ec2."
    )


class Network(Section):
    """The provider's VPC."""

    cidr: t.Cidr = Field(
        default=IPv4Network("10.20.0.0/16"), description="The VPC's private addresses."
    )
    zones: Literal[2, 3] = Field(default=2, description="How many Availability Zones.")
    egress: Literal["nat", "endpoints"] = Field(
        default="nat",
        description=(
            "How tasks reach AWS: through NAT gateways, or through VPC endpoints "
            "with no way to the internet at all."
        ),
    )
    flow_logs: t.Flag = Field(
        default=True, description="Log every flow of the VPC, accepted and rejected."
    )
    vpc_id: t.VpcId | None = Field(
        default=None, description="An existing VPC instead of a new one; cidr is then its own."
    )
    app_subnets: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets for the tasks and balancers, one per zone."
    )
    data_subnets: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets for the database and the files, in the same zones."
    )


class RotationWindow(Section):
    """When the passwords are changed."""

    schedule: t.RotationSchedule = Field(
        description="A cron expression of Secrets Manager's, in UTC: a day, at a full hour.",
        examples=["cron(0 3 ? * SUN *)"],
    )
    hours: t.Whole = Field(default=2, ge=1, le=24, description="How long it stays open, that day.")


class Database(Section):
    """An RDS instance."""

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


class PrivateLink(Section):
    """The endpoint service."""

    allow: tuple[t.Principal, ...] = Field(default=(), description="Who may ask for an endpoint.")
    acceptance: t.Flag = Field(
        default=True,
        description=(
            "Connections wait until accepted; those of [[consumers]] are accepted by underpass."
        ),
    )
    alb_targets: Literal["lambda", "alb"] = Field(
        default="lambda",
        description=(
            "How the NLB finds the ALB: the registrar function, or an ALB-type target group."
        ),
    )
    domain: t.Domain | None = Field(
        default=None, description="The name consumers use; NAME.internal when left out."
    )
    private_dns_name: t.Domain | None = Field(
        default=None,
        description=(
            "The endpoint service's own private DNS name; "
            "a TXT record in a public zone has to prove that it is yours."
        ),
    )
    supported_regions: tuple[t.RegionName, ...] = Field(
        default=(), description="Other regions whose VPCs may have an endpoint."
    )


class Tls(Section):
    """HTTPS on the private path."""

    certificate: t.Certificate = Field(
        description="The certificate's ARN; the twin issues its own."
    )


class Alarms(Section):
    """Who is told when something is wrong."""

    email: t.Email | None = Field(
        default=None, description="An address that gets every alarm; AWS asks it to confirm."
    )


class Consumer(Section):
    """A VPC that reaches the application."""

    name: t.Name = Field(description="What to call it.", examples=["analytics"])
    cidr: t.Cidr = Field(
        default=IPv4Network("10.20.0.0/16"),
        description=(
            "Its addresses; the twin makes this VPC, and overlap with the provider's is fine."
        ),
    )
    account: t.Account | None = Field(default=None, description="Its AWS account.")
    profile: t.Text | None = Field(
        default=None, description="The AWS profile to deploy its endpoint with."
    )
    role: t.Role | None = Field(default=None, description="The role to assume instead.")
    vpc_id: t.VpcId | None = Field(default=None, description="Its VPC in AWS.")
    subnet_ids: tuple[t.SubnetId, ...] = Field(
        default=(), description="Its subnets in AWS, one per zone."
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
    service: Service
    capacity: Capacity = Capacity()
    network: Network = Network()
    database: Database | None = None
    files: Files | None = None
    assets: Assets | None = None
    privatelink: PrivateLink = PrivateLink()
    tls: Tls | None = None
    alarms: Alarms = Alarms()
    consumers: tuple[Consumer, ...] = ()
    folder: SkipJsonSchema[Path] = Field(
        default=Path(), exclude=True, description="The folder of the file; set by the loader."
    )

    @property
    def domain(self) -> str:
        """The name consumers use."""
        return self.privatelink.domain or f"{self.name}.internal"

    @property
    def listener_port(self) -> int:
        """The port of the endpoint, the NLB and the ALB: 443 with TLS, else 80."""
        return 443 if self.tls else 80
