"""The CloudFormation service of the twin: one method per action, boto3's shapes in and out.

Calls may come from several threads. What changes stacks runs in threads of its own; everything else
answers at once from the store.
"""

from __future__ import annotations

from collections.abc import Mapping

from underpass.twin.region.context import Region
from underpass.twin.services.cloudformation.actions.change_sets import ChangeSets
from underpass.twin.services.cloudformation.actions.queries import Queries
from underpass.twin.services.cloudformation.actions.stacks import Stacks
from underpass.twin.services.cloudformation.execution.schedule import Spawn, in_thread
from underpass.twin.services.cloudformation.resource_type import ResourceType


class Engine(ChangeSets, Stacks, Queries):
    """CloudFormation for one region.

    Parameters
    ----------
    region
        Where dynamic references, stored parameters and zones are looked up, and events are published
        (topic "cloudformation").
    resource_types
        By resource type; see ``resource_type.registry``.
    spawn
        How operations and calls of resource types get their threads.

    Example
    -------
    >>> engine = Engine(region, registry(region, services))
    >>> engine.describe_stacks({"StackName": "notes-foundation"})["Stacks"][0]["StackStatus"]
    'CREATE_COMPLETE'
    """

    def __init__(
        self, region: Region, resource_types: Mapping[str, ResourceType], spawn: Spawn = in_thread
    ) -> None:
        super().__init__(region, resource_types, spawn)
