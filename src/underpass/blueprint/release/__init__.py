"""The release stack: the task that runs once before a new release takes over, such as a migration.

A stack of its own, deployed before the service's: what it runs, as what and with which variables is known
to AWS before anything of the old version is touched. Parameters: ``Image`` and the foundation's outputs.
The service's stack is given the definition that ran, so that it says itself which one it is after.

=========================  ======================================================================
part                       logical ids
=========================  ======================================================================
service.release            ReleaseTaskDefinition, TaskRole, ExecutionRole, LogGroup
=========================  ======================================================================
"""

from __future__ import annotations

from troposphere import Ref, Template

from underpass.blueprint.cross_stack import closed, hand
from underpass.blueprint.service import task
from underpass.blueprint.service.program import RELEASE, Program
from underpass.blueprint.stack import Stack
from underpass.config import Config

NAME = "release"


def release_stack(config: Config) -> Stack:
    """Return the stack of the release's task."""
    template = Template(Description=f"{config.name}: the task before a release (underpass)")
    definition = task.define(template, config, program(config), task.common(template, config, NAME))
    hand(template, RELEASE, Ref(definition))
    return Stack(f"{config.name}-{NAME}", closed(template))


def program(config: Config) -> Program:
    """Return what runs before a release: as large as a task of the service, with all that it has."""
    return Program(
        name=NAME,
        family=config.family(NAME),
        title="Release",
        cpu=config.service.cpu,
        memory_mib=config.service.memory,
        stop_timeout_s=config.service.stop_timeout,
        command=config.service.release,
    )
