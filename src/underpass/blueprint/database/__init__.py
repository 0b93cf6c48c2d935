"""The database stack, of a configuration that has one: what is done within the database before tasks use it.

The instance and its secrets are the foundation's, which outlives this. Parameters: the foundation's outputs,
by their names.

===========  ====================================================================================
part         logical ids
===========  ====================================================================================
user         DatabaseUser, DatabaseUserFunction, DatabaseUserRole, DatabaseUserLogGroup
===========  ====================================================================================
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.cross_stack import closed
from underpass.blueprint.database import user
from underpass.blueprint.stack import Stack
from underpass.config import Config


def database_stack(config: Config) -> Stack:
    """Return the stack that makes the application's user of the database."""
    template = Template(Description=f"{config.name}: the database's users (underpass)")
    user.add(template, config)
    return Stack(f"{config.name}-database", closed(template))
