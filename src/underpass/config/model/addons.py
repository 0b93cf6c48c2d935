"""``[[addons]]``: CloudFormation templates of the user's own, deployed beside the pattern's."""

from __future__ import annotations

from pathlib import PurePath

from pydantic import Field

from underpass.config import types as t
from underpass.config.model.section import Section


class Addon(Section):
    """A template whose resources the tasks use."""

    template: t.Text = Field(
        description="The template's file, YAML or JSON, relative to this file.",
        examples=["queue.yaml"],
    )
    name: t.Name | None = Field(
        default=None,
        description="What to call it; the file's name without its ending when left out.",
    )
    parameters: dict[str, t.Plain] = Field(
        default={},
        description=(
            "Values of the template's own parameters; those called like an output of the foundation, "
            "such as VpcId, or Name, have theirs already."
        ),
    )

    @property
    def label(self) -> str:
        """What it is called, as ``name`` or the file says it."""
        return self.name or PurePath(self.template).stem
