"""The registrar run from here: the function's own code and variables, with the caller's credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from underpass.config import Config
from underpass.deploy.stacks import stack as existing
from underpass.errors import UnderpassError, UsageError
from underpass.registrar import index


class Reachable(Protocol):
    """What a run needs of the place the application is deployed to."""

    def client(self, service: str) -> Any:
        """Return a boto3 client in the provider's account."""

    def resolve(self, name: str) -> frozenset[str]:
        """Return a name's addresses; raises ``OSError`` when there are none."""


def run(
    config: Config, target: Reachable, *, dry_run: bool, max_removals: int | None = None
) -> dict[str, Any]:
    """Run the registrar once and return its report; ``errors`` in it says what failed.

    Parameters
    ----------
    dry_run
        Say what would be done, and do nothing.
    max_removals
        How many targets this run may remove from a group, instead of what the function is told.

    Raises
    ------
    UsageError
        When the application has no registrar.
    UnderpassError
        When it is not deployed, or the function's variables are not what they should be.
    """
    if config.privatelink.alb_targets == "alb":
        raise UsageError(
            "this application has no registrar",
            '[privatelink] alb_targets = "alb": the NLB keeps the ALB itself as its target',
            'set alb_targets = "lambda" to have one',
        )
    variables = {**_variables(config, target)}
    if max_removals is not None:
        variables["MAX_REMOVALS"] = str(max_removals)
    said: list[str] = []
    try:
        return index.run(
            index.Settings.read(variables),
            target.client("ec2"),
            target.client("elbv2"),
            resolve=target.resolve,
            memory=index.Memory(),
            say=said.append,
            dry_run=dry_run,
        )
    except index.SettingError as error:
        raise UnderpassError(
            "the function's variables are wrong", str(error), "deploy its stack anew"
        ) from error
    except index.RunFailedError:
        report: dict[str, Any] = json.loads(said[0])
        return {key: report[key] for key in report if key.islower() and key != "_aws"}


def _variables(config: Config, target: Reachable) -> Mapping[str, str]:
    """Return the deployed function's variables."""
    stack = existing.describe(target.client("cloudformation"), f"{config.name}-path")
    function = stack.outputs.get("RegistrarFunctionName") if stack else None
    if function is None:
        raise UnderpassError(
            "the registrar is not deployed",
            f"the stack {config.name}-path has no such function",
            "deploy it first: `underpass up` does on the twin",
        )
    found = target.client("lambda").get_function_configuration(FunctionName=function)
    variables: Mapping[str, str] = found["Environment"]["Variables"]
    return variables
