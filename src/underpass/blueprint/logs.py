"""Log groups: one per thing that writes, named by the application, encrypted with its key."""

from __future__ import annotations

from troposphere import Template
from troposphere.logs import LogGroup

from underpass.blueprint.foundation.keys import key_arn
from underpass.config import Config

# A year, as auditors ask: keeping what was written costs less than writing it did.
RETENTION_DAYS = 365


def log_group(template: Template, config: Config, title: str, part: str) -> LogGroup:
    """Add ``/underpass/NAME/<part>``; it goes with the stack, so that its name is free again."""
    return template.add_resource(
        LogGroup(
            title,
            LogGroupName=f"/underpass/{config.name}/{part}",
            KmsKeyId=key_arn(template),
            RetentionInDays=RETENTION_DAYS,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )
