"""Where tasks start: the capacity providers the cluster knows, and how tasks are shared among them."""

from __future__ import annotations

from typing import Any

from troposphere.ecs import CapacityProviderStrategyItem

from underpass.blueprint.cross_stack import given
from underpass.config import Config

ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"
_NEARLY_ALL = (
    1000  # the most a weight can be; one of 0 places no task, so the base has the least there is
)


def providers(config: Config) -> list[str]:
    """Return the capacity providers of AWS's own that the cluster is to know; none on EC2."""
    if config.capacity.provider != "fargate":
        return []
    return [ON_DEMAND, SPOT] if config.capacity.spot else [ON_DEMAND]


def strategy(config: Config, least: int) -> list[CapacityProviderStrategyItem]:
    """Return the strategy of a service, or of a task that is run.

    With ``[capacity] spot`` the ``least`` that is to serve is on demand, and what comes beyond it on Spot,
    which AWS takes back with two minutes' notice, or has none of.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """
    if config.capacity.provider != "fargate":
        return [_item(given("CapacityProviderName"), Weight=1)]
    if not config.capacity.spot:
        return [_item(ON_DEMAND, Weight=1)]
    base = {"Base": least} if least else {}
    return [_item(ON_DEMAND, Weight=1, **base), _item(SPOT, Weight=_NEARLY_ALL)]


def _item(provider: object, **share: Any) -> CapacityProviderStrategyItem:
    return CapacityProviderStrategyItem(CapacityProvider=provider, **share)
