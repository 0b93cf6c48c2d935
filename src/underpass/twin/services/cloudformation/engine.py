"""The CloudFormation service of the twin: one method per action, boto3's shapes in and out.

Calls may come from several threads. What changes stacks runs in threads of its own; everything else
answers at once from the store.
"""

from __future__ import annotations

from underpass.twin.services.cloudformation.actions.change_sets import ChangeSets
from underpass.twin.services.cloudformation.actions.queries import Queries
from underpass.twin.services.cloudformation.actions.stacks import Stacks


class Engine(ChangeSets, Stacks, Queries):
    """CloudFormation for one account in one region.

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
