"""``[[service.sidecars]]``: containers beside the application, in each of its tasks."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section, titled

APPLICATION = "app"  # what depends_on calls the application's own container
Condition: TypeAlias = Literal["start", "healthy", "complete", "success"]
DependsOn: TypeAlias = dict[t.Text, Condition]


class Sidecar(Section):
    """A container beside the application: same task, same address, same rights."""

    name: t.Name = Field(
        description="The container's name, and the start of its log streams.", examples=["otel"]
    )
    build: t.Text | None = Field(
        default=None, description="A folder with a Dockerfile, relative to this file."
    )
    image: t.Image | None = Field(
        default=None, description="An image that exists already, instead of build."
    )
    command: tuple[t.Text, ...] = Field(
        default=(), description="What it runs instead of its image's own command."
    )
    essential: t.Flag = Field(
        default=True,
        description="Whether the whole task ends with it; ECS then starts another task.",
    )
    depends_on: DependsOn = Field(
        default={},
        description=(
            'What it waits for before it starts: another sidecar, or "app", and how far that has to be.'
        ),
    )
    environment: dict[t.Variable, t.Plain] = Field(
        default={}, description="Plain environment variables; none of the application's."
    )
    secrets: dict[t.Variable, t.Text] = Field(
        default={},
        description="Variables with the value of a secret or a parameter, as in [service] secrets.",
    )
    health_command: tuple[t.Text, ...] = Field(
        default=(), description="A command inside it that succeeds when it is well."
    )
    start_timeout: t.Whole = Field(
        default=120,
        ge=2,
        le=3600,
        description="Seconds it may take to be healthy, or done, where another container waits for that.",
    )
    stop_timeout: t.Whole = Field(
        default=30,
        ge=2,
        le=120,
        description="Seconds from SIGTERM to SIGKILL when the task is stopped.",
    )
    cpu: t.Whole | None = Field(
        default=None, ge=2, le=16384, description="ECS CPU units, of the task's own."
    )
    memory: t.Whole | None = Field(
        default=None,
        ge=6,
        le=122880,
        description="MiB it may have at most, of the task's own; left out: all of them.",
    )
    port: t.Whole | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port it listens on, for the task's other containers: they share localhost.",
    )
    user: t.Text | None = Field(
        default=None,
        description='Whom it runs as, such as "1000" or "1000:1000"; left out: the USER of its image.',
    )
    read_only: t.Flag = Field(default=True, description="Its own files cannot be written.")
    writable: tuple[t.Mount, ...] = Field(
        default=("/tmp",),  # noqa: S108  the container's
        description="Folders it can write nevertheless; they go with the task.",
    )
    process: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "How the twin starts it where no container engine is used; {python} as in [service] process."
        ),
    )

    @property
    def title(self) -> str:
        """The start of its logical ids."""
        return titled(self.name)

    @property
    def image_parameter(self) -> str:
        """The service stack's parameter for its image."""
        return f"{self.title}Image"
