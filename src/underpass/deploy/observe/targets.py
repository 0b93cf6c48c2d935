"""The targets of a load balancer and what its health checks say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TargetStatus:
    """A target of a load balancer: AWS's state, and AWS's reason when it is not healthy."""

    address: str
    port: int
    zone: str
    state: str
    reason: str


def describe(elbv2: Any, group: str | None) -> tuple[TargetStatus, ...]:
    """Return the targets of a target group; none where there is no group, or no longer one.

    The zone is empty where the load balancer does not tell it.
    """
    if group is None:
        return ()
    try:
        found = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    except elbv2.exceptions.TargetGroupNotFoundException:  # being deleted
        return ()
    return tuple(
        TargetStatus(
            one["Target"]["Id"],
            one["Target"].get("Port", 0),
            one["Target"].get("AvailabilityZone", ""),
            one["TargetHealth"]["State"],
            one["TargetHealth"].get("Description") or one["TargetHealth"].get("Reason", ""),
        )
        for one in found
    )
