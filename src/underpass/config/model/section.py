"""What a section of the file is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from underpass.config import types as t


class Section(BaseModel):
    """A section of the file: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def titled(name: str) -> str:
    """Return a name as it stands in logical ids, which have no hyphens: ``SendMail`` of ``send-mail``."""
    return "".join(part.capitalize() for part in name.split("-"))


class Between(Section):
    """A least and a greatest number of something."""

    min: t.Whole = Field(default=2, ge=0, description="The least that is kept running.")
    max: t.Whole = Field(default=6, ge=1, description="The most that scaling may reach.")
