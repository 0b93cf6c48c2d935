"""Application Auto Scaling of ECS services: a scalable target's limits hold from when they are set.

moto keeps targets and policies. The twin has no metrics for a policy to follow, so nothing moves the count
while it is between the limits.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response

from underpass.twin.api import patch
from underpass.twin.services.ecs.model import Service
from underpass.twin.services.ecs.table import Table, attached

DIMENSION = "ecs:service:DesiredCount"


@patch.wrap(Response, "register_scalable_target")
def _register(original: Callable[..., Any], response: Any) -> Any:
    """Let registering a target move its service's desired count between the limits."""
    answer = original(response)
    _hold(response, attached())
    return answer


def within(service: Service, least: int, most: int) -> Service:
    """Return the service with a desired count between ``least`` and ``most``."""
    desired = min(max(service.desired, least), most)
    return (
        service if desired == service.desired else replace(service, desired=desired, steady=False)
    )


def _hold(response: Any, table: Table) -> None:
    dimension, resource = (
        response._get_param(name)  # noqa: SLF001  moto has no other way
        for name in ("ScalableDimension", "ResourceId")
    )
    if dimension != DIMENSION:
        return
    backend = response.applicationautoscaling_backend
    target = backend.targets[dimension][resource]
    _, cluster, name = resource.split("/")
    arn = backend.ecs_backend._get_service(cluster, name).arn  # noqa: SLF001
    service = table.service(arn)
    if service is not None and service.status == "ACTIVE":
        table.change_service(arn, lambda one: within(one, target.min_capacity, target.max_capacity))
