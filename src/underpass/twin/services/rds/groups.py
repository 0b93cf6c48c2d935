"""DB subnet groups, parameter groups and event subscriptions in moto, corrected.

moto only makes and deletes subscriptions. What they say is recorded; nobody is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBParameterGroupNotFoundError, RDSClientError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from underpass.twin.api import patch
from underpass.twin.services.rds import engine_parameters, versions


@patch.replace(RDSBackend, "modify_db_subnet_group")
def _modify_db_subnet_group(backend: Any, name: str, description: str | None, subnets: Any) -> Any:
    """Change the group and keep it: moto's own takes it out of its table."""
    group = backend.describe_db_subnet_groups(name)[0]
    group.subnets = subnets
    if description is not None:
        group.description = description
    return group


@patch.add(RDSResponse, "describe_db_engine_versions")
def describe_db_engine_versions(response: Any) -> ActionResult:
    """Tell the versions the twin has, and which of them it upgrades to which."""
    asked = response.params
    families = {f"postgres{one.major}": one for one in versions.installed()}
    return ActionResult(
        {
            "DBEngineVersions": [
                {
                    "Engine": "postgres",
                    "EngineVersion": one.version,
                    "DBParameterGroupFamily": family,
                    "ValidUpgradeTarget": [
                        {
                            "Engine": "postgres",
                            "EngineVersion": later.version,
                            "AutoUpgrade": False,
                            "IsMajorVersionUpgrade": True,
                        }
                        for later in families.values()
                        if later.major > one.major
                    ],
                }
                for family, one in families.items()
                if asked.get("Engine", "postgres") == "postgres"
                and one is versions.find(asked.get("EngineVersion") or one.version)
                and asked.get("DBParameterGroupFamily", family) == family
            ]
        }
    )


@patch.add(RDSResponse, "describe_engine_default_parameters")
def describe_engine_default_parameters(response: Any) -> ActionResult:
    """Tell the parameters of a family the twin runs; of another there are none."""
    family = response.params["DBParameterGroupFamily"]
    found = [one.described() for one in engine_parameters.of_family(family).values()]
    return ActionResult({"EngineDefaults": {"DBParameterGroupFamily": family, "Parameters": found}})


@patch.wrap(RDSBackend, "modify_db_parameter_group")
def _modify_db_parameter_group(
    original: Callable[..., Any], backend: Any, name: str, parameters: Any
) -> Any:
    group = backend.db_parameter_groups.get(name.lower())
    for one in parameters if group else ():
        named, value = one["ParameterName"], str(one.get("ParameterValue", ""))
        if why := engine_parameters.refusal(group.family, named, value):
            raise RDSClientError("InvalidParameterValue", why)
        known = engine_parameters.of_family(group.family)
        if known and known[named].static and one.get("ApplyMethod") == "immediate":
            raise RDSClientError(
                "InvalidParameterCombination",
                f"cannot use immediate apply method for static parameter: {named}",
            )
    return original(backend, name, parameters)


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
