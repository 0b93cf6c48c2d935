"""Configuration to CloudFormation templates: one module per part of the pattern, eight kinds of stack.

Pure: the same configuration gives the same bytes, and nothing outside the package is read.
"""

from __future__ import annotations

import underpass.blueprint.lean  # noqa: F401  before troposphere

# isort: split
from underpass.blueprint.account import conforming
from underpass.blueprint.addons import addon_stacks
from underpass.blueprint.capacity import capacity_stack
from underpass.blueprint.consumer import consumer_stack
from underpass.blueprint.database import database_stack
from underpass.blueprint.foundation import foundation_stack
from underpass.blueprint.monitoring import monitoring_stack
from underpass.blueprint.path import path_stack
from underpass.blueprint.release import release_stack
from underpass.blueprint.rotation import rotation_stack
from underpass.blueprint.service import service_stack
from underpass.blueprint.stack import Stack
from underpass.config import Config

__all__ = ["Stack", "stacks"]


def stacks(config: Config) -> tuple[Stack, ...]:
    """Return every stack of ``config``, in the order they are deployed."""
    made = (
        foundation_stack(config),
        path_stack(config),
        capacity_stack(config),
        *([database_stack(config)] if config.instance else []),
        *addon_stacks(config),
        *([release_stack(config)] if config.service.release else []),
        service_stack(config),
        *(
            [rotation_stack(config, config.instance)]
            if config.instance and config.instance.rotates
            else []
        ),
        monitoring_stack(config),
        *(consumer_stack(config, consumer) for consumer in config.consumers),
    )
    return tuple(conforming(stack, config) for stack in made)
