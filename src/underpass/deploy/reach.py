"""How consumers reach what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from underpass.config import Config
from underpass.config.model import Consumer
from underpass.deploy.stacks import stack as existing
from underpass.deploy.target import Target
from underpass.errors import UnderpassError


@dataclass(frozen=True)
class Reach:
    """How one consumer's way in is reached.

    Attributes
    ----------
    url
        For the user's own browser where the target offers that, else the same as ``endpoint_url``.
    endpoint_url
        What clients in the consumer's VPC use.
    """

    url: str
    endpoint_url: str


def reached(target: Target, consumer: Consumer, outputs: Mapping[str, str]) -> Reach:
    """Return how a deployed consumer's way in is reached, from its stack's outputs."""
    return Reach(target.consumer_url(consumer) or outputs["Url"], outputs["Url"])


def reaches(config: Config, target: Target) -> dict[str, Reach]:
    """Return how each consumer that is deployed reaches the application, by name.

    Raises
    ------
    UnderpassError
        When none is deployed.
    """
    found = {}
    for consumer in config.consumers:
        cloudformation = target.client("cloudformation", consumer)
        stack = existing.describe(cloudformation, f"{config.name}-consumer-{consumer.name}")
        if stack and stack.outputs.get("Url"):
            found[consumer.name] = reached(target, consumer, stack.outputs)
    if not found:
        command = "up" if target.name == "twin" else "deploy"
        raise UnderpassError(
            "no consumer can reach the application",
            "none is deployed",
            f"run `underpass {command}`",
        )
    return found
