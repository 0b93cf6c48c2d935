"""``[[workers]]``: the same image, behind no balancer."""

from __future__ import annotations

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Between, Section, titled


class WorkerScaling(Section):
    """What the number of a worker's tasks follows, between ``tasks.min`` and ``tasks.max``."""

    cpu: t.Whole = Field(
        default=60,
        ge=0,
        le=100,
        description="Percent of CPU the tasks are kept at; 0 to not follow it.",
    )


class WorkerTasks(Between):
    """How many tasks of a worker there are."""

    min: t.Whole = Field(default=1, ge=0, description="The least that is kept running.")
    max: t.Whole = Field(default=1, ge=1, description="The most that scaling may reach.")


class Worker(Section):
    """Tasks of the application's image that nobody connects to, such as those that empty a queue."""

    name: t.Name = Field(description="What to call it.", examples=["mail"])
    command: tuple[t.Text, ...] = Field(
        min_length=1,
        description="What runs, instead of the image's own command.",
        examples=[["python", "-m", "app.mail"]],
    )
    cpu: t.Whole | None = Field(
        default=None, ge=128, le=16384, description="ECS CPU units; left out: the service's."
    )
    memory: t.Whole | None = Field(
        default=None, ge=64, le=122880, description="MiB; left out: the service's."
    )
    tasks: WorkerTasks = Field(
        default=WorkerTasks(), description="How many tasks run at least and at most."
    )
    scaling: WorkerScaling = Field(
        default=WorkerScaling(),
        description="What the number of tasks follows, between min and max.",
    )
    health_command: tuple[t.Text, ...] = Field(
        default=(),
        description=(
            "A command inside the container that succeeds when the task is well; "
            "ECS replaces the task when it fails."
        ),
    )
    stop_timeout: t.Whole = Field(
        default=30,
        ge=2,
        le=120,
        description="Seconds from SIGTERM to SIGKILL when a task is stopped.",
    )
    environment: dict[t.Variable, t.Plain] = Field(
        default={}, description="Variables of its own, besides the service's and instead of them."
    )

    @property
    def title(self) -> str:
        """The start of its logical ids: ``WorkerSendMail`` of ``send-mail``."""
        return f"Worker{titled(self.name)}"
