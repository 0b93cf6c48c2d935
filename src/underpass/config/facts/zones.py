"""Availability Zones: what of their ids is known from the region's name."""

from __future__ import annotations

_DIRECTIONS = {"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw"}


def zone_prefix(region: str) -> str:
    """Return how the ids of a region's zones begin.

    https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html

    Example
    -------
    >>> zone_prefix("us-east-1"), zone_prefix("ap-southeast-2")
    ('use1-az', 'apse2-az')
    """
    area, *directions, number = region.split("-")
    return area + "".join(_DIRECTIONS.get(one, one[0]) for one in directions) + f"{number}-az"
