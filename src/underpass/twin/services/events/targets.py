"""What a rule sends its targets, and whether they let it. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from underpass.policies.resource_policies import Act, policy_allows
from underpass.twin.region.aws import ACCOUNT_ID

_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
}


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


def service(arn: str) -> str:
    """Return the service an ARN names; empty for what is none."""
    return "".join(arn.split(":")[2:3])


def is_queue(arn: str) -> bool:
    """Tell whether a target is a queue; what else the twin delivers to are topics and functions."""
    return service(arn) == "sqs"


def is_topic(arn: str) -> bool:
    """Tell whether a target is a topic."""
    return service(arn) == "sns"


def admits(policy: Mapping[str, Any] | str, target_arn: str, rule_arn: str) -> bool:
    """Tell whether a target's policy lets EventBridge reach it for a rule; a topic is not told for which.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    """
    action = _ACTIONS[service(target_arn)]
    context = {"aws:SourceArn": rule_arn, "aws:SourceAccount": ACCOUNT_ID}
    if is_topic(target_arn):
        context = {"aws:SecureTransport": "true"}
    return policy_allows(policy, Act("events.amazonaws.com", action, target_arn, context))
