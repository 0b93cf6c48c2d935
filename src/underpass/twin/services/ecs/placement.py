"""Where a task goes: a zone, a subnet and on EC2 an instance, or why there is none; then more are asked for.

Tasks spread over Availability Zones, then over instances, as far as there is room (ECS's "spread" is best
effort). An awsvpc task takes one of its instance's network interfaces, of which the instance keeps one for
itself; there is no trunking. More instances are managed scaling: AWS decides by a metric within minutes, the
twin at once. It does not scale in.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-scaling-behavior.html
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from underpass.twin.region.aws import Clients
from underpass.twin.services.ecs.model import Host, Launch, Need, Phase, Service, Task
from underpass.twin.services.ecs.table import Table

log = logging.getLogger(__name__)

GUIDE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
UNABLE = "was unable to place a task because no container instance met all of its requirements."


@dataclass(frozen=True)
class Free:
    """What is left of a host."""

    cpu: int
    memory_mib: int
    interfaces: int

    def lacks(self, need: Need) -> str:
        """Return what keeps a task off this host, in ECS's words; empty if nothing does."""
        if need.memory_mib > self.memory_mib:
            return "has insufficient memory available"
        if need.cpu > self.cpu:
            return "has insufficient CPU units available"
        return 'encountered error "RESOURCE:ENI"' if self.interfaces < 1 else ""


@dataclass(frozen=True)
class Misfit:
    """No host has room; ``reason`` completes the service event."""

    reason: str


def free(host: Host, tasks: Collection[Task]) -> Free:
    """Return what the tasks on a host, until they have stopped, leave of it."""
    there = [task.launch.need for task in tasks if task.host == host.arn and not task.stopped_at]
    return Free(
        host.cpu - sum(need.cpu for need in there),
        host.memory_mib - sum(need.memory_mib for need in there),
        host.interfaces - len(there),
    )


def spread(zones: Collection[str], kin: Collection[Task], siblings: Collection[Task]) -> list[str]:
    """Return zones by preference: the fewest tasks of the same deployment, then of the same service."""
    close, all_ = (Counter(task.zone for task in tasks) for tasks in (kin, siblings))
    return sorted(zones, key=lambda zone: (close[zone], all_[zone], zone))


def choose(
    need: Need,
    zones: Sequence[str],
    hosts: Collection[Host],
    tasks: Collection[Task],
    siblings: Collection[Task],
) -> Host | Misfit:
    """Return the host for one more task: in the first of ``zones`` with room, least used by its service."""
    able = [host for host in hosts if not host.draining and host.zone in zones]
    left = {host.arn: free(host, tasks) for host in able}
    for zone in zones:
        fits = [host for host in able if host.zone == zone and not left[host.arn].lacks(need)]
        if fits:
            mine = Counter(task.host for task in siblings)
            return min(
                fits, key=lambda host: (mine[host.arn], -left[host.arn].memory_mib, host.arn)
            )
    return _misfit(need, left)


def open_zones(
    need: Need, zones: Collection[str], hosts: Collection[Host], tasks: Collection[Task]
) -> frozenset[str]:
    """Return the zones where a host has room for one more task."""
    able = [host for host in hosts if not host.draining and host.zone in zones]
    return frozenset(host.zone for host in able if not free(host, tasks).lacks(need))


def _misfit(need: Need, left: Mapping[str, Free]) -> Misfit:
    if not left:
        return Misfit(f"Reason: No Container Instances were found in your cluster. {GUIDE}")
    closest = max(left, key=lambda arn: (left[arn].memory_mib, left[arn].cpu, arn))
    short = closest.rpartition("/")[2]
    lacks = left[closest].lacks(need)
    return Misfit(f"The closest matching (container-instance {short}) {lacks}. {GUIDE}")


@dataclass(frozen=True)
class Shortage:
    """Tasks for which a capacity provider has no room on any of ``hosts``."""

    capacity_provider: str
    tasks: tuple[Task, ...]
    hosts: tuple[Host, ...]


class Placing:
    """Places tasks on what the table knows of instances."""

    def __init__(self, table: Table, clients: Clients) -> None:
        self._table = table
        self._clients = clients
        self._zones: dict[str, str] = {}  # a subnet never changes its zone

    def open_zones(self, service: Service) -> frozenset[str]:
        """Return the zones where one more task of a service would find room."""
        launch = service.primary.launch
        zones = frozenset(self._subnets(launch))
        if launch.fargate:
            return zones
        hosts = _hosts(launch, service.cluster_arn, self._table.hosts().values())
        return open_zones(launch.need, zones, hosts, self._table.tasks())

    def place_all(self, now: float) -> list[Shortage]:
        """Place every task that waits for it; return what found no room, by capacity provider."""
        short: dict[tuple[str, str], list[Task]] = {}
        # One look at the instances: those that register meanwhile are for the next time.
        hosts = tuple(self._table.hosts().values())
        waiting = [
            task
            for task in self._table.tasks()
            if task.phase is Phase.PROVISIONING and not task.zone and task.wanted == "RUNNING"
        ]
        for task in sorted(waiting, key=lambda one: one.created_at):
            misfit = self._place(task, hosts)
            if misfit:
                short.setdefault((task.launch.capacity_provider, task.cluster_arn), []).append(task)
                self._table.tell(task.service_arn, f"{UNABLE} {misfit.reason}", now)
        return [
            Shortage(provider, tuple(tasks), _hosts(tasks[0].launch, cluster_arn, hosts))
            for (provider, cluster_arn), tasks in short.items()
        ]

    def _place(self, task: Task, hosts: Collection[Host]) -> Misfit | None:
        subnets = self._subnets(task.launch)
        siblings = [
            one
            for one in self._table.tasks(task.service_arn)
            if task.service_arn and one.zone and not one.ending
        ]
        kin = [one for one in siblings if one.deployment == task.deployment]
        zones = spread(subnets, kin, siblings)
        if task.launch.fargate:
            self._table.change(task.id, zone=zones[0], subnet_id=subnets[zones[0]])
            return None
        able = _hosts(task.launch, task.cluster_arn, hosts)
        found = choose(task.launch.need, zones, able, self._table.tasks(), siblings)
        if isinstance(found, Misfit):
            return found
        self._table.change(task.id, zone=found.zone, subnet_id=subnets[found.zone], host=found.arn)
        return None

    def _subnets(self, launch: Launch) -> dict[str, str]:
        """Return one of the launch's subnets for each of their zones."""
        wanted: Sequence[str] = launch.network.subnets
        unknown = [subnet for subnet in wanted if subnet not in self._zones]
        if unknown:
            found = self._clients("ec2").describe_subnets(SubnetIds=unknown)
            for subnet in found["Subnets"]:
                self._zones[subnet["SubnetId"]] = subnet["AvailabilityZone"]
        return {self._zones[subnet]: subnet for subnet in reversed(wanted)}


def _hosts(launch: Launch, cluster_arn: str, hosts: Collection[Host]) -> tuple[Host, ...]:
    """Return the instances a launch may use."""
    return tuple(
        host
        for host in hosts
        if host.cluster_arn == cluster_arn
        and (not launch.capacity_provider or host.group == launch.capacity_provider)
    )


def make_room(clients: Clients, shortages: Iterable[Shortage]) -> None:
    """Raise the desired capacity for tasks that found no room, as far as their groups' maximum allows."""
    for shortage in shortages:
        if shortage.capacity_provider:
            _raise_capacity(clients, shortage)


def _raise_capacity(clients: Clients, shortage: Shortage) -> None:
    name = shortage.capacity_provider
    found = clients("ecs").describe_capacity_providers(capacityProviders=[name])[
        "capacityProviders"
    ]
    provider = found[0].get("autoScalingGroupProvider") if found else None
    if not provider or provider.get("managedScaling", {}).get("status") != "ENABLED":
        return
    group_name = provider["autoScalingGroupArn"].rpartition("/")[2]
    groups = clients("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group_name])
    needs = [task.launch.need for task in shortage.tasks]
    for group in groups["AutoScalingGroups"]:
        desired = wanted_capacity(group, provider["managedScaling"], shortage.hosts, needs)
        if desired > group["DesiredCapacity"]:
            log.info("capacity provider %s: %d instances for %d tasks", name, desired, len(needs))
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
