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
    for at, one in enumerate(config.workers):
        shares = frozenset(key for key in ("cpu", "memory") if getattr(one, key) is None)
        if len(shares) < 2:
            cpu, memory = one.cpu or service.cpu, one.memory or service.memory
            yield Size(("workers", at), cpu, memory, shares)
