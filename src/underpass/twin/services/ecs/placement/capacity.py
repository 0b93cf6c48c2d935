"""Managed scaling: a capacity provider whose tasks found no room gets more instances.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-scaling-behavior.html
AWS decides by a metric within minutes, the twin at once. It does not scale in.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.services.ecs.model import Host, Need
from underpass.twin.services.ecs.placement.placing import Shortage

log = logging.getLogger(__name__)


class Capacity:
    """Raises the desired capacity of Auto Scaling groups."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def ask_for(self, shortages: Iterable[Shortage]) -> None:
        """Make room for tasks that found none, as far as their groups' maximum allows."""
        for shortage in shortages:
            if shortage.capacity_provider:
                self._ask(shortage)

    def _ask(self, shortage: Shortage) -> None:
        clients = self._clients
        name = shortage.capacity_provider
        found = clients("ecs").describe_capacity_providers(capacityProviders=[name])[
            "capacityProviders"
        ]
        provider = found[0].get("autoScalingGroupProvider") if found else None
        if not provider or provider.get("managedScaling", {}).get("status") != "ENABLED":
            return
        group_name = provider["autoScalingGroupArn"].rpartition("/")[2]
        groups = clients("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[group_name]
        )
        needs = [task.launch.need for task in shortage.tasks]
        for group in groups["AutoScalingGroups"]:
            desired = wanted_capacity(group, provider["managedScaling"], shortage.hosts, needs)
            if desired > group["DesiredCapacity"]:
                log.info(
                    "capacity provider %s: %d instances for %d tasks", name, desired, len(needs)
                )
                clients("autoscaling").set_desired_capacity(
                    AutoScalingGroupName=group_name, DesiredCapacity=desired
                )


def wanted_capacity(
    group: Mapping[str, Any],
    scaling: Mapping[str, Any],
    hosts: Sequence[Host],
    needs: Sequence[Need],
) -> int:
    """Return how many instances a group should have for tasks that found no room on its ``hosts``.

    No more than it has, until all of those are registered.
    """
    now: int = group["DesiredCapacity"]
    if not needs or len(hosts) < now:  # some are still on their way
        return now
    each = _tasks_per_host(hosts[0], needs[0]) if hosts else 1
    if not each:  # a bigger task than any instance: more of them do not help
        return now
    step = math.ceil(len(needs) / each)
    least, most = (
        scaling.get("minimumScalingStepSize", 1),
        scaling.get("maximumScalingStepSize", 10000),
    )
    return int(max(now, min(group["MaxSize"], now + min(max(step, least), most))))


def _tasks_per_host(host: Host, need: Need) -> int:
    by_cpu = host.cpu // need.cpu if need.cpu else host.interfaces
    by_memory = host.memory_mib // need.memory_mib if need.memory_mib else host.interfaces
    return min(host.interfaces, by_cpu, by_memory)
