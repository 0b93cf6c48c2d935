"""Log groups: one per thing that writes, named by the application, encrypted with its key."""

from __future__ import annotations

from troposphere import GetAtt, Ref, Template
from troposphere.logs import LogGroup

from underpass.blueprint.cross_stack import given
from underpass.config import Config

# A year, as auditors ask: keeping what was written costs less than writing it did.
RETENTION_DAYS = 365


def log_group(template: Template, config: Config, title: str, part: str) -> LogGroup:
    """Add ``/underpass/NAME/<part>``; it goes with the stack, so that its name is free again."""
    return template.add_resource(
        LogGroup(
            title,
            LogGroupName=f"/underpass/{config.name}/{part}",
            KmsKeyId=_key_arn(template),
            RetentionInDays=RETENTION_DAYS,
            DeletionPolicy="Delete",
            UpdateReplacePolicy="Delete",
        )
    )


def _key_arn(template: Template) -> GetAtt | Ref:
    """Return the key's ARN as ``template`` can say it: of its own key, or of the foundation's."""
    return GetAtt("Key", "Arn") if "Key" in template.resources else given("KeyArn")
