"""What tasks get of the add-ons, as the stacks of the tasks are given it.

An output ``QueueUrl`` of an add-on is the parameter ``AddonQueueUrl`` of a stack with tasks: none of ours
begins so, and no two add-ons have an output of one name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from troposphere import Ref

from underpass.blueprint.cross_stack import given
from underpass.config import Config, addons

PREFIX = "Addon"


@dataclass(frozen=True)
class AddonOutput:
    """One output of an add-on.

    Attributes
    ----------
    name
        The output's name: ``QueueUrl``.
    kind
        What tasks get: a ``variable``, a ``secret`` (the value of the secret whose ARN it is), or a
        ``policy`` of their role (a managed policy's ARN).
    variable
        The variable's name, ``QUEUE_URL``; empty for a policy.
    value
        What it is, in a stack with tasks.
    own_key
        Of a secret: whether it says which key encrypts it.
    """

    name: str
    kind: Literal["variable", "secret", "policy"]
    variable: str
    value: Ref
    own_key: bool = False


def outputs(config: Config) -> tuple[AddonOutput, ...]:
    """Return the outputs of every add-on, in the order of the file."""
    return tuple(
        AddonOutput(one.name, one.kind, one.variable, given(f"{PREFIX}{one.name}"), one.own_key)
        for one in addons.outputs(config)
    )
