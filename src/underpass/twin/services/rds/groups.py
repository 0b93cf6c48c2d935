"""DB subnet groups, parameter groups and event subscriptions in moto, corrected.

moto only makes and deletes subscriptions. What they say is recorded; nobody is told.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from underpass.twin.api import patch


@patch.replace(RDSBackend, "modify_db_subnet_group")
def _modify_db_subnet_group(backend: Any, name: str, description: str | None, subnets: Any) -> Any:
    """Change the group and keep it: moto's own takes it out of its table."""
    group = backend.describe_db_subnet_groups(name)[0]
    group.subnets = subnets
    if description is not None:
        group.description = description
    return group


@patch.add(RDSResponse, "reset_db_parameter_group")
def _reset_db_parameter_group(response: Any) -> Any:
    name = response.params["DBParameterGroupName"]
    group = response.backend.db_parameter_groups.get(name)
    if group is None:
        raise DBParameterGroupNotFoundError(name)
    if response.params.get("ResetAllParameters"):
        group.parameters.clear()
    for parameter in response.params.get("Parameters", []):
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})


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
    (found,) = response.backend.describe_event_subscriptions(response.params["SubscriptionName"])
    return found
