"""Changing RDS event subscriptions, which moto only makes and deletes. It is recorded; nobody is told."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.responses import RDSResponse

from underpass.twin.api import patch


@patch.add(RDSResponse, "modify_event_subscription")
def modify_event_subscription(response: Any) -> ActionResult:
    """Change the topic, the kind of source, the categories, or whether it is on."""
    subscription = _subscription(response)
    for parameter, attribute in (
        ("SnsTopicArn", "sns_topic_arn"),
        ("SourceType", "source_type"),
        ("EventCategories", "event_categories"),
        ("Enabled", "enabled"),
    ):
        if parameter in response.params:
            setattr(subscription, attribute, response.params[parameter])
    return ActionResult({"EventSubscription": subscription})


@patch.add(RDSResponse, "add_source_identifier_to_subscription")
def add_source_identifier_to_subscription(response: Any) -> ActionResult:
    """Tell of one more source."""
    subscription, source = _subscription(response), response.params["SourceIdentifier"]
    subscription.source_ids = [*subscription.source_ids, source]
    return ActionResult({"EventSubscription": subscription})


@patch.add(RDSResponse, "remove_source_identifier_from_subscription")
def remove_source_identifier_from_subscription(response: Any) -> ActionResult:
    """Tell of a source no more."""
    subscription, source = _subscription(response), response.params["SourceIdentifier"]
    subscription.source_ids = [one for one in subscription.source_ids if one != source]
    return ActionResult({"EventSubscription": subscription})


def _subscription(response: Any) -> Any:
    name = response.params["SubscriptionName"]
    (found,) = response.backend.describe_event_subscriptions(name)
    return found
