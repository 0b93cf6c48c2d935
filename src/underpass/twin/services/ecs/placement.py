"""Where a task goes: pure, from what it needs and what is free to an instance, or why there is none.

Tasks spread over Availability Zones, then over instances, as far as there is room (ECS's "spread" is best
effort). An awsvpc task takes one of its instance's network interfaces, of which the instance keeps one for
itself; there is no trunking.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-strategies.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from underpass.twin.services.ecs.model import Host, Need, Task

GUIDE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."


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
