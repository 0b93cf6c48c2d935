"""How large each kind of task is, and which keys say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from underpass.config.model import Config
from underpass.config.problems import KeyPath


@dataclass(frozen=True)
class Size:
    """What a task takes: CPU units and MiB; ``at`` is the table that says so, or whose size it shares."""

    at: KeyPath
    cpu: int
    memory: int
    shares: frozenset[str] = frozenset()

    def keys(self, key: str) -> tuple[KeyPath, ...]:
        """Return the keys that set ``cpu`` or ``memory``."""
        service: KeyPath = ("service", key)
        own: KeyPath = (*self.at, key)
        return (service, self.at) if key in self.shares else (own,)


def each(config: Config) -> Iterator[Size]:
    """Yield the size of every kind of task; what only repeats the service's is left out."""
    service = config.service
    yield Size(("service",), service.cpu, service.memory)
    workers = [(("workers", at), one.cpu, one.memory) for at, one in enumerate(config.workers)]
    jobs = [(("jobs", at), one.cpu, one.memory) for at, one in enumerate(config.jobs)]
    for where, cpu, memory in workers + jobs:
        own = {"cpu": cpu, "memory": memory}
        shares = frozenset(key for key, value in own.items() if value is None)
        if len(shares) < len(own):
            yield Size(where, cpu or service.cpu, memory or service.memory, shares)
