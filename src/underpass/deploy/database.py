"""The database's own stack, which a configuration without a database has no more."""

from __future__ import annotations

from typing import Any

from underpass.config import Config
from underpass.deploy.stacks import stack as existing


def left(cloudformation: Any, config: Config) -> existing.Description | None:
    """Return the stack that a database before this configuration has left; None if there is none."""
    name = f"{config.name}-database"
    return None if config.instance else existing.describe(cloudformation, name)
