"""The twin's clock: AWS's waiting times, shortened by one factor that is stated wherever it shows.

Health check intervals, function schedules and deregistration delays run ``SPEED`` times faster than in
AWS. What an application itself needs (its start, its grace period, its time-outs) is never shortened.
"""

from __future__ import annotations

SPEED = 20.0


def scaled_s(seconds: float, at_least_s: float = 0.5) -> float:
    """Return how long ``seconds`` of AWS time last on the twin, in seconds."""
    return max(seconds / SPEED, at_least_s)
