"""EC2 instance types: what a container instance of each has room for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from underpass.config.facts.stored import stored

CPU_UNITS = 1024  # of ECS, for each vCPU


@dataclass(frozen=True)
class InstanceType:
    """An instance type, as ``DescribeInstanceTypes`` tells it.

    Attributes
    ----------
    vcpus, memory_mib
        What it has. ECS registers less memory, for the platform and the kernel take their part first.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/memory-management.html
    interfaces
        Network interfaces, the instance's own among them.
    architecture
        ``x86_64`` or ``arm64``; ``x86_64_mac`` and ``arm64_mac`` for what runs no containers.
    """

    name: str
    vcpus: int
    memory_mib: int
    interfaces: int
    architecture: str

    @property
    def cpu_units(self) -> int:
        """ECS CPU units."""
        return self.vcpus * CPU_UNITS

    def room(self, cpu: int, memory_mib: int) -> int:
        """Return how many tasks of this size fit, each with an interface of its own (awsvpc).

        Without ENI trunking, an account's setting that allows more.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-instance-eni.html
        """
        return min(self.interfaces - 1, self.cpu_units // cpu, self.room_in_memory(memory_mib))

    def room_in_memory(self, memory_mib: int) -> int:
        """Return for how many tasks of this size there is memory; they never have all of it."""
        return (self.memory_mib - 1) // memory_mib


def instance_type(name: str) -> InstanceType | None:
    """Return an instance type, or None when the table has none of that name: see ``newer``.

    Example
    -------
    >>> instance_type("c5.large")
    InstanceType(name='c5.large', vcpus=2, memory_mib=4096, interfaces=3, architecture='x86_64')
    """
    found = stored("instance_types").get(name)
    return InstanceType(name, *found) if found else None


def newer(name: str) -> bool:
    """Return whether AWS may have this type though the table does not: its family is not known either.

    AWS announces a family with its sizes, so an unknown size of a known family is a slip.
    """
    return not _family(name)


def nearest(name: str) -> str:
    """Return the type most likely meant, of the same family if there is one; empty if none is near."""
    near = get_close_matches(name, _family(name) or [*stored("instance_types")], n=1)
    return near[0] if near else ""


def smallest(cpu: int, memory_mib: int, like: InstanceType) -> str:
    """Return the smallest type of the same family that holds such a task; empty if none does."""
    family = filter(None, map(instance_type, _family(like.name)))
    fit = [kind for kind in family if kind.room(cpu, memory_mib)]
    return min(fit, key=lambda kind: (kind.memory_mib, kind.vcpus)).name if fit else ""


def _family(name: str) -> list[str]:
    """Return the known types of the same family as ``name``."""
    start = name.partition(".")[0] + "."
    return [known for known in stored("instance_types") if known.startswith(start)]
