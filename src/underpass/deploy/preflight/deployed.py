"""The database instance of an earlier deployment, as its stack says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.config import Config
from underpass.deploy.stacks import stack

_INSTANCE, _PARAMETERS = "DatabaseInstance", "DatabaseParameters"


@dataclass(frozen=True)
class Deployed:
    """What was deployed.

    Attributes
    ----------
    instance
        Its identifier.
    version
        What its template says of it: CloudFormation asks RDS for another one when that changes.
    snapshot
        What it was restored from; empty for nothing.
    parameters
        Those of its group.
    """

    instance: str
    version: str
    snapshot: str
    parameters: Mapping[str, str]

    @staticmethod
    def look(cloudformation: Any, config: Config) -> Deployed | None:
        """Return it; None when there is none."""
        name = f"{config.name}-foundation"
        there = stack.describe(cloudformation, name)
        if there is None or there.unusable:
            return None
        instance = stack.resources(cloudformation, name).get(_INSTANCE)
        if not instance:
            return None
        resources = stack.template(cloudformation, name).get("Resources", {})
        told = resources.get(_INSTANCE, {}).get("Properties", {})
        group = resources.get(_PARAMETERS, {}).get("Properties", {})
        return Deployed(
            instance,
            told.get("EngineVersion", ""),
            told.get("DBSnapshotIdentifier", ""),
            group.get("Parameters", {}),
        )
