"""Log groups: one per thing that writes, named by the application, encrypted with its key."""

from __future__ import annotations

from collections.abc import Mapping

from troposphere import Template
from troposphere.logs import LogGroup

from underpass.blueprint.cross_stack import given
from underpass.config import Config

# A year, as auditors ask: keeping what was written costs less than writing it did.
RETENTION_DAYS = 365
# Who talked to whom, and what was typed into a shell: what somebody asks for once it is gone.
AUDITED: Mapping[str, str] = {"flows": "FlowLogGroup", "exec": "ExecLogGroup"}


def log_group(template: Template, config: Config, title: str, part: str) -> LogGroup:
    """Add ``/underpass/NAME/<part>``; it goes with the stack, so that its name is free again.

    What auditors ask for stays, and so it has no fixed name: it would be in the way of the next of its kind.
    CloudFormation names it ``STACK-TITLE-...``, and so does the key's policy.
    """
    kept = part in AUDITED
    policy = "Retain" if kept else "Delete"
    return template.add_resource(
        LogGroup(
            title,
            KmsKeyId=_key_arn(template),
            RetentionInDays=RETENTION_DAYS,
            DeletionPolicy=policy,
            UpdateReplacePolicy=policy,
            **({} if kept else {"LogGroupName": f"/underpass/{config.name}/{part}"}),
        )
    )


def _key_arn(template: Template) -> object:
    """Return the key's ARN as ``template`` can say it: what it hands on itself, or what it is given."""
    handed = template.outputs.get("KeyArn")
    return handed.Value if handed else given("KeyArn")
