"""What a rule sends its targets, and whether they let it. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.aws import ACCOUNT_ID


def scheduled_event(rule_arn: str, region: str, moment: datetime) -> dict[str, Any]:
    """Return the event a schedule sends.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [rule_arn],
        "detail": {},
    }


def payload(target: Mapping[str, Any], event: str) -> bytes:
    """Return what a target is invoked with: its own constant input, a template of it, or the event.

    Raises
    ------
    ValueError
        When the target transforms the event in a way the twin does not know.
    """
    if "Input" in target:
        return str(target["Input"]).encode()
    if target.get("InputPath") or target.get("InputTransformer"):
        raise ValueError("InputPath and InputTransformer do not work on the twin")
    return event.encode()


def service(arn: str) -> str:
    """Return the service an ARN names; empty for what is none."""
    return "".join(arn.split(":")[2:3])


def is_queue(arn: str) -> bool:
    """Tell whether a target is a queue; what else the twin delivers to are functions."""
    return service(arn) == "sqs"


def admits(policy: Mapping[str, Any] | str, target_arn: str, rule_arn: str) -> bool:
    """Tell whether a target's policy lets EventBridge reach it for a rule."""
    action = "sqs:SendMessage" if is_queue(target_arn) else "lambda:InvokeFunction"
    context = {"aws:SourceArn": rule_arn, "aws:SourceAccount": ACCOUNT_ID}
    return policy_allows(policy, Act("events.amazonaws.com", action, target_arn, context))
