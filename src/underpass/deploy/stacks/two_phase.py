"""Taking away what tasks still use: it stays until they have moved on.

So long as tasks mount a file system, read a secret or have an interface in a subnet, it may not go. So the
foundation is deployed with what it has besides what it is to have, the service moves on, and then the
rest goes. In the same way a cluster keeps a capacity provider until no task uses it any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from underpass.blueprint.capacity.cluster import PROVIDERS
from underpass.blueprint.stack import Stack
from underpass.deploy.stacks.changes import removed

Template = Mapping[str, Any]
_KEY = "Key"  # the foundation's


def while_used(stack: Stack, deployed: Template) -> Stack:
    """Return the stack as it is to be while tasks still use what ``deployed`` has; or as it is.

    Parameters
    ----------
    deployed
        The template the stack has now; empty when there is none.
    """
    return _locked(_moving(_widened(stack, deployed), deployed), deployed) if stack.used else stack


def _widened(stack: Stack, deployed: Template) -> Stack:
    """Return the stack with all that only ``deployed`` has; as it is unless it would take something away."""
    if deployed.get("Resources", {}).keys() <= stack.template["Resources"].keys():
        return stack
    both = {
        section: {**deployed.get(section, {}), **content}
        if isinstance(content, Mapping)
        else content
        for section, content in {**deployed, **stack.template}.items()
    }
    return replace(stack, template=both)


def _moving(stack: Stack, deployed: Template) -> Stack:
    """Return the stack with the capacity providers it has besides those it is to have.

    ECS lets no capacity provider go that tasks use, and CloudFormation changes the cluster's list of them
    before the service.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
    """
    wanted = _providers(stack.template)
    left = [one for one in _providers(deployed) if one not in wanted]
    if not left:
        return stack
    resources = stack.template["Resources"]
    cluster = resources[PROVIDERS]
    listed = {**cluster["Properties"], "CapacityProviders": [*wanted, *left]}
    resources = {**resources, PROVIDERS: {**cluster, "Properties": listed}}
    return replace(stack, template={**stack.template, "Resources": resources})


def _locked(stack: Stack, deployed: Template) -> Stack:
    """Return the stack with a key that is still used through whatever it is used through now.

    A queue of an add-on that tasks are to leave cannot be read without the key.
    """
    had = deployed.get("Resources", {}).get(_KEY, {}).get("Properties", {}).get("KeyPolicy", {})
    wanted = stack.template["Resources"].get(_KEY)
    if not had or not wanted or wanted.get("Type") != "AWS::KMS::Key":
        return stack
    policy = wanted["Properties"]["KeyPolicy"]
    named = {one.get("Sid") for one in policy["Statement"]}
    left = [one for one in had["Statement"] if one.get("Sid") not in named]
    if not left:
        return stack
    both = {**policy, "Statement": [*policy["Statement"], *left]}
    key = {**wanted, "Properties": {**wanted["Properties"], "KeyPolicy": both}}
    resources = {**stack.template["Resources"], _KEY: key}
    return replace(stack, template={**stack.template, "Resources": resources})


def _providers(template: Template) -> list[Any]:
    cluster = template.get("Resources", {}).get(PROVIDERS, {})
    return list(cluster.get("Properties", {}).get("CapacityProviders", ()))


def farewells(
    before: Template, after: Template, ids: Mapping[str, str], snapshots: str
) -> list[str]:
    """Return what becomes of the data of each resource that is in ``before`` and no longer in ``after``.

    Parameters
    ----------
    ids
        Physical ids by logical id.
    snapshots
        What keeps the data of a database that is deleted, as a sentence.
    """
    told = {
        "Snapshot": f"is deleted; {snapshots}",
        "Retain": "stays as it is, with its data, and is yours to delete",
    }
    return [
        f"{change.logical_id} ({change.physical_id or change.type}) {told[change.policy]}"
        for change in removed(before, after, ids)
        if change.policy in told
    ]
