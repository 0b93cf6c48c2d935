"""``[[jobs]]``: the application's image, on a schedule."""

from __future__ import annotations

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section, titled


class Job(Section):
    """A command of the application's image that runs on a schedule, and ends."""

    name: t.Name = Field(description="What to call it.", examples=["report"])
    command: tuple[t.Text, ...] = Field(
        description="What runs instead of the image's own command.",
        examples=[["python", "-m", "app.report"]],
    )
    schedule: t.Text = Field(
        description=(
            "When: cron(minutes hours day-of-month month day-of-week year), one of the two day fields ?, "
            "or rate(30 minutes)."
        ),
        examples=["cron(0 5 * * ? *)"],
    )
    timezone: t.Text = Field(
        default="UTC",
        description="Whose clocks the schedule goes by, such as Europe/Berlin; a rate heeds none.",
    )
    cpu: t.Whole | None = Field(
        default=None, ge=128, le=16384, description="ECS CPU units; the service's when left out."
    )
    memory: t.Whole | None = Field(
        default=None, ge=64, le=122880, description="MiB; the service's when left out."
    )
    environment: dict[t.Variable, t.Plain] = Field(
        default={},
        description="Plain variables of its own, besides the service's and instead of them; never secrets.",
    )

    @property
    def title(self) -> str:
        """Its name as the start of logical ids, which have no hyphens."""
        return f"Job{titled(self.name)}"
