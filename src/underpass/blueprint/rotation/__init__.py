"""The rotation stack: what changes the database's passwords on schedule.

Apart from the service's, whose every task it replaces when the application's password has changed: they
read it when they start. Parameters: the outputs of the foundation, the capacity and the service.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
rotation_days, _window     RotationFunction, RotationRole, RotationLogGroup, RotationPermission,
                           RotationSchedule, AdministratorRotationSchedule
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import Template

from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.rotation import rotation
from underpass.blueprint.stack import Stack
from underpass.config import Config
from underpass.config.model import Database

NAME = "rotation"


def rotation_stack(config: Config, database: Database) -> Stack:
    """Return the stack that rotates the passwords of ``database``."""
    template = Template(Description=f"{config.name}: the passwords' rotation (underpass)")
    for name, value in rotation.add(template, config, database).items():
        hand(template, name, value)
    return Stack(f"{config.name}-{NAME}", closed(template))
