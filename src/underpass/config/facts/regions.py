"""AWS's regions."""

from __future__ import annotations

from collections.abc import Mapping

from underpass.config.facts.stored import stored


def regions() -> Mapping[str, str]:
    """Return the partition (``aws``, ``aws-cn``, ...) of each region by the region's name."""
    return stored("regions")
