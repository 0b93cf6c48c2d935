"""Deletion protection, where what it protects may go: RDS deletes no instance that has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from underpass.blueprint.protection import PROTECT

_INSTANCE = "AWS::RDS::DBInstance"


def in_the_way(deployed: Mapping[str, Any], allowed: Collection[str]) -> bool:
    """Tell whether a deployed template protects an instance that is ``allowed`` to be replaced or removed."""
    return PROTECT in deployed.get("Parameters", {}) and any(
        one["Type"] == _INSTANCE and name in allowed
        for name, one in deployed.get("Resources", {}).items()
    )
