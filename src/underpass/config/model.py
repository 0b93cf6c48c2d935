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
    stop_timeout: t.Whole = Field(
        default=30,
        ge=2,
        le=120,
        description="Seconds from SIGTERM to SIGKILL when a task is stopped.",
    )
    drain: t.Whole = Field(
        default=30,
        ge=0,
        le=3600,
        description=(
            "Seconds that requests under way may still take when their task, or a node of the ALB, goes."
        ),
    )
    timeout: t.Whole = Field(
        default=60,
        ge=1,
        le=340,
        description="Seconds a connection to the ALB may be silent; less than the NLB's 350.",
    )
    sticky: t.Whole = Field(
        default=0,
        ge=0,
        le=604800,
        description="Seconds a client stays with its task, by a cookie of the ALB's; 0 for not at all.",
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
    instance_image: t.InstanceImage = Field(
        default="auto",
        description=(
            "The instances' AMI, for ec2: AWS's newest for ECS, renewed by a deployment after its release; "
            "or one by its id, which stays."
        ),
    )
    instances: Instances = Field(
        default=Instances(), description="How many instances run at least and at most, for ec2."
    )
    container_insights: Literal["enhanced", "enabled", "off"] = Field(
        default="enhanced",
        description=(
            "What Container Insights measures, billed by the metric: up to each container, up to each "
            "service, or nothing."
        ),
    )


class WayOut(Section):
    """A port the tasks may reach besides AWS's APIs: of a block, a prefix list or a security group."""

    port: t.Whole = Field(ge=1, le=65535, description="The TCP port.", examples=[6379])
    cidr: t.Cidr | None = Field(default=None, description="The addresses that are reached.")
    prefix_list: t.PrefixListId | None = Field(
        default=None, description="A prefix list of them, instead."
    )
    security_group: t.GroupId | None = Field(
        default=None, description="A security group of theirs, instead."
    )

    @property
    def peers(self) -> tuple[str, ...]:
        """What is reached; a rule has one."""
        named = (self.cidr, self.prefix_list, self.security_group)
        return tuple(str(one) for one in named if one is not None)


class Network(Section):
    """The provider's VPC."""

    cidr: t.Cidr = Field(
        default=IPv4Network("10.20.0.0/16"), description="The VPC's private addresses."
    )
    zones: Literal[2, 3] = Field(default=2, description="How many Availability Zones.")
    zone_ids: tuple[t.ZoneId, ...] = Field(
        default=(),
        description="Which ones, by their ids; left out, the first deployment chooses, for good.",
    )
    egress: Literal["nat", "endpoints"] = Field(
        default="nat",
        description=(
            "How tasks reach AWS: through NAT gateways, or through VPC endpoints "
            "with no way to the internet at all."
        ),
    )
    endpoints: tuple[t.Endpoint, ...] = Field(
        default=(),
        description=(
            'Further AWS services that tasks reach by an endpoint, with egress = "endpoints".'
        ),
    )
    buckets: tuple[t.Bucket, ...] = Field(
        default=(),
        description='Buckets the S3 endpoint lets through besides, with egress = "endpoints".',
    )
    allow_out: tuple[WayOut, ...] = Field(
        default=(), description="What tasks may reach besides: ports of other addresses."
    )
    flow_logs: Literal["all", "rejected", "off"] = Field(
        default="all", description="Which flows of the VPC are logged."
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
        default=(),
        description="Other regions whose VPCs may have an endpoint; those of [[consumers]] may anyway.",
    )
    enforce: Literal["named", "off"] | None = Field(
        default=None,
        description=(
            "Whether only the blocks of [[consumers]] and allow_cidrs get in, or whoever has an accepted "
            'endpoint; left out: "named" where there are such blocks.'
        ),
    )
    allow_cidrs: tuple[t.Cidr, ...] = Field(
        default=(), description="The addresses of those in allow that are no [[consumers]]."
    )


class Tls(Section):
    """HTTPS on the private path."""

    certificate: t.Certificate = Field(
        description="The certificate's ARN; the twin issues its own."
    )
    to_tasks: t.Flag = Field(
        default=False,
        description=(
            "The ALB speaks HTTPS to the tasks too; it does not verify their certificates."
        ),
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
    cidrs: tuple[t.Cidr, ...] = Field(
        default=(),
        description=(
            "Instead of cidr: several blocks, one of them its VPC's own, the others further ones of the VPC "
            "or of networks behind it; the twin makes the VPC of the first."
        ),
    )
    region: t.RegionName | None = Field(
        default=None, description="Its region, when it is another one; the twin has only one."
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
    private_dns: t.Flag = Field(
        default=False,
        description="Its endpoint answers to private_dns_name too, once that is verified.",
    )

    @property
    def blocks(self) -> tuple[IPv4Network, ...]:
        """Its addresses, whichever key they stand in."""
        return self.cidrs or (self.cidr,)

    @property
    def named_account(self) -> str:
        """The account it says it is in, by ``account`` or ``role``; empty for the provider's own."""
        return self.account or (self.role.split(":")[4] if self.role else "")


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
