"""What a request handler works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from .assets import Assets
from .attachments import Attachments
from .database import Database
from .notes import Notes
from .place import Place


class Missing(Exception):  # noqa: N818  it becomes a 404
    """What a request names does not exist."""


@dataclass(frozen=True)
class Parts:
    """The parts of the running application."""

    place: Place
    database: Database
    notes: Notes
    attachments: Attachments
    assets: Assets

    @classmethod
    def of(cls, request: Request) -> Parts:
        """Return the parts of the application a request came to."""
        return cast(Parts, request.app.state.parts)
