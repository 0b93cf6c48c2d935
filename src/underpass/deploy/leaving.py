"""Stacks of what is configured no more, a consumer with its endpoint or a release: deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from underpass.config import Config
from underpass.deploy import consumers, release
from underpass.deploy.stacks import stack as existing
from underpass.deploy.steps import Steps
from underpass.deploy.target import Target


def jobs(config: Config, target: Target, steps: Steps) -> list[Callable[[], None]]:
    """Return a job for each such stack."""
    cloudformation = target.client("cloudformation")
    dropped = consumers.dropped(cloudformation, config)
    leaving = {f"consumer {name}": stack.name for name, stack in dropped.items()}
    if there := release.left(cloudformation, config):
        leaving["release"] = there.name
    return [partial(_leave, target, steps, *one) for one in leaving.items()]


def _leave(target: Target, steps: Steps, what: str, stack: str) -> None:
    with steps.step(what) as step:
        cloudformation = target.client("cloudformation")
        if there := existing.settled(cloudformation, stack, step):
            existing.delete(cloudformation, there, steps.clock)
        step.outcome = "removed: it is no longer in underpass.toml"
