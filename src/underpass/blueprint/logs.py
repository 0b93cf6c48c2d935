"""Log groups: one per thing that writes, named by the application."""

from __future__ import annotations

from troposphere import Template
from troposphere.logs import LogGroup

from underpass.config import Config

RETENTION_DAYS = 30


def log_group(template: Template, config: Config, title: str, part: str) -> LogGroup:
    """Add ``/underpass/NAME/<part>``; it goes with the stack, so that its name is free again."""
    return template.add_resource(
        LogGroup(
            title,
            LogGroupName=f"/underpass/{config.name}/{part}",
            RetentionInDays=RETENTION_DAYS,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
