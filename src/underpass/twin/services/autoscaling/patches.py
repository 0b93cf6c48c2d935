"""Auto Scaling in moto, corrected: instances are spread over the group's subnets, as AWS spreads them.

moto starts all of a group's instances in its first subnet, and takes away the first it finds.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse

from underpass.twin.api import patch


@patch.wrap(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
def _spread(
    original: Callable[..., None], group: Any, count_needed: int, propagated_tags: dict[str, str]
) -> None:
    """Start instances one by one, each in the subnet with the fewest."""
    subnets = (group.vpc_zone_identifier or "").split(",")
    if subnets == [""]:
        original(group, count_needed, propagated_tags)
        return
    zones = group.availability_zones
    for _ in range(count_needed):
        subnet = _emptiest(subnets, [state.instance.subnet_id for state in group.instance_states])
        # moto reads the first subnet, and draws the zone from all of the group's
        group.vpc_zone_identifier = subnet
        group.availability_zones = [group.ec2_backend.get_subnet(subnet).availability_zone]
        try:
            original(group, 1, propagated_tags)
        finally:
            group.vpc_zone_identifier, group.availability_zones = ",".join(subnets), zones


def _emptiest(subnets: Sequence[str], used: Sequence[str]) -> str:
    counted = Counter(used)
    return min(subnets, key=lambda subnet: (counted[subnet], subnets.index(subnet)))


@patch.wrap(FakeAutoScalingGroup, "set_desired_capacity")
def _balanced(original: Callable[..., None], group: Any, new_capacity: int | None) -> None:
    """Scale; when instances go, those of the fullest subnet go first, the oldest of them first."""
    left = list(group.instance_states)
    ordered: list[Any] = []
    while left:
        counted = Counter(state.instance.subnet_id for state in left)
        first = max(left, key=lambda state: (counted[state.instance.subnet_id], -left.index(state)))
        left.remove(first)
        ordered.append(first)
    group.instance_states = ordered
    original(group, new_capacity)


@patch.wrap(AutoScalingResponse, "delete_auto_scaling_group")
def _deleted(original: Callable[..., Any], response: Any) -> Any:
    """Delete a group; with ForceDelete its instances go although they are protected from scale-in."""
    backend: AutoScalingBackend = response.autoscaling_backend
    group = backend.autoscaling_groups.get(response._get_param("AutoScalingGroupName"))  # noqa: SLF001
    if group and response._get_bool_param("ForceDelete"):  # noqa: SLF001
        for state in group.instance_states:
            state.protected_from_scale_in = False
    return original(response)
