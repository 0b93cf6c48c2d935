"""Which capacity provider each task starts on: the base first, then by weight.

Spot is never taken back here, and always to be had: the twin has nothing that AWS would need elsewhere.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from underpass.twin.services.ecs.model import Launch, Share


def launches(launch: Launch, count: int, running: Iterable[Launch]) -> list[Launch]:
    """Return how each of ``count`` tasks is started, beside those that run from the same strategy."""
    taken = Counter(one.capacity_provider for one in running)
    made = []
    for _ in range(count):
        provider = _next(launch.strategy, taken) or launch.capacity_provider
        taken[provider] += 1
        made.append(replace(launch, capacity_provider=provider))
    return made


def _next(strategy: tuple[Share, ...], taken: Counter[str]) -> str:
    for share in strategy:
        if taken[share.provider] < share.base:
            return share.provider
    weighed = [share for share in strategy if share.weight]
    beyond = {share.provider: taken[share.provider] - share.base for share in weighed}
    fewest = min(
        weighed, key=lambda share: (beyond[share.provider] + 1) / share.weight, default=None
    )
    return fewest.provider if fewest else ""
