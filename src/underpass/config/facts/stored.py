"""The files of facts beside this module, each read once; AWS's regions and services are two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def stored(name: str) -> Mapping[str, Any]:
    """Return what ``name``.json holds."""
    found: Mapping[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_bytes())
    return found


def regions() -> Mapping[str, str]:
    """Return the partition (``aws``, ``aws-cn``, ...) of each region by the region's name."""
    return stored("regions")


def endpoint_services() -> Mapping[str, str]:
    """Return the kind of VPC endpoint by what it is called after ``com.amazonaws.REGION.``."""
    return stored("endpoint_services")
