"""``[service]`` and ``[capacity]``: what runs, and what it runs on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.health import HealthCheck, PathOrHealthCheck
from underpass.config.model.permissions import Permission
from underpass.config.model.section import Between, Section
from underpass.config.model.sidecars import DependsOn, Sidecar


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
    health_check: PathOrHealthCheck = Field(
        default=HealthCheck(),
        description="What the ALB asks to find out whether a task is well: a path alone, or more.",
    )
    protocol: Literal["http1", "http2", "grpc"] = Field(
        default="http1",
        description=(
            "What the ALB speaks to the tasks: HTTP/1.1, HTTP/2 or gRPC; the last two need [tls], "
            "and clients that speak HTTP/2."
        ),
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
    sticky_cookie: t.Cookie | None = Field(
        default=None,
        description=(
            "A cookie of the application's: whoever is given it stays with that task, "
            "for the seconds of sticky, or a day."
        ),
    )
    capabilities: tuple[t.Text, ...] = Field(
        default=(),
        description="Linux capabilities that root keeps in the container, of those Docker gives it.",
    )
    user: t.User | None = Field(
        default=None,
        description=(
            'Whom the container runs as, such as "1000" or "1000:1000"; left out: the USER of the image.'
        ),
    )
    release: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "A command that runs once, in a task of the new image, before the first new task; "
            "when it fails the deployment ends, and what served goes on."
        ),
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
    secrets: dict[t.Variable, t.Text] = Field(
        default={},
        description=(
            "Variables with the value of a secret of Secrets Manager, by its ARN, or of a parameter of the "
            "Parameter Store, by its ARN or as ssm:NAME."
        ),
    )
    permissions: tuple[Permission, ...] = Field(
        default=(), description="What the application may do in AWS besides."
    )
    policies: tuple[t.ManagedPolicy, ...] = Field(
        default=(), description="Managed policies of the application's role, by their ARNs."
    )
    process: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "How the twin starts a task where no container engine is used; "
            "{python} is .venv/bin/python beside this file where there is one, else underpass's own."
        ),
    )
    depends_on: DependsOn = Field(
        default={},
        description=(
            "Which sidecars the application waits for before it starts, and how far they have to be."
        ),
    )
    sidecars: tuple[Sidecar, ...] = Field(
        default=(), description="Containers beside the application, in each of its tasks."
    )

    @property
    def health_path(self) -> str:
        """The path the ALB asks for."""
        default = "/AWS.ALB/healthcheck" if self.protocol == "grpc" else "/"
        return self.health_check.path or default

    @property
    def health_port(self) -> int:
        """The port the ALB asks on."""
        return self.health_check.port or self.port

    @property
    def health_codes(self) -> str:
        """The codes that mean well: HTTP's, or gRPC's."""
        return self.health_check.codes or ("12" if self.protocol == "grpc" else "200-399")


class Instances(Between):
    """How many container instances there may be."""

    min: t.Whole = Field(default=2, ge=1, description="The least number of instances.")
    max: t.Whole = Field(default=4, ge=1, description="The most that scaling may reach.")


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
    architecture: Literal["arm64", "x86_64"] | None = Field(
        default=None,
        description=(
            "The CPU architecture of tasks on fargate, x86_64 when left out; on ec2 instance_type says it."
        ),
    )
    spot: t.Flag = Field(
        default=False,
        description=(
            "Start what tasks.min does not cover on Fargate Spot, which AWS may take back; for fargate."
        ),
    )
    ssm: t.Flag = Field(
        default=False, description="Let Session Manager open a shell on the instances, for ec2."
    )
    container_insights: Literal["enhanced", "enabled", "off"] = Field(
        default="enhanced",
        description=(
            "What Container Insights measures, billed by the metric: up to each container, up to each "
            "service, or nothing."
        ),
    )
