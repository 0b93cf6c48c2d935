"""The way to a database that is there already: a rule of the tasks' group, and one of the database's own."""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.foundation.network.vpc import Network
from underpass.blueprint.security_groups import admit, group_id, reach
from underpass.config import Config
from underpass.config.model import Database


def add(template: Template, config: Config, database: Database, network: Network) -> None:
    """Let the tasks reach it, and it admit them unless its owner sees to that."""
    existing = database.existing
    assert existing
    tasks, group = group_id(network.task_group), existing.security_group
    # Called after where they lead, so that tasks keep the way to another until they have moved on.
    peer = f"{database.port}{group.replace('-', 'x')}"
    reach(template, f"TaskEgressToDatabase{peer}", tasks, database.port, group, "The database")
    if existing.admit:
        why = f"The tasks of {config.name}, by underpass"
        admit(template, f"DatabaseIngressFromTasks{peer}", group, database.port, tasks, why)
