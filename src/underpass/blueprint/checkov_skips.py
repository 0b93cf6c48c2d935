"""Why a linter's rule does not apply, written next to the resource it would be applied to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def skipped(reasons: Mapping[str, str]) -> dict[str, Any]:
    """Return a resource's metadata that has checkov skip rules, each with its reason.

    https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html
    """
    if not reasons:
        return {}
    return {"checkov": {"skip": [{"id": rule, "comment": why} for rule, why in reasons.items()]}}
