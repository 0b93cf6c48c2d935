"""Stacks of what is configured no more, a consumer with its endpoint, a release, a rotation: deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from underpass.blueprint import release, rotation
from underpass.config import Config
from underpass.deploy import consumers
from underpass.deploy.stacks import stack as existing
from underpass.deploy.steps import Steps
from underpass.deploy.target import Target


def jobs(config: Config, target: Target, steps: Steps) -> list[Callable[[], None]]:
    """Return a job for each such stack."""
    cloudformation = target.client("cloudformation")
    leaving = [
        (f"consumer {one.name}", one.stack.name, one.cloudformation, one.why)
        for one in consumers.dropped(target, config)
    ]
    for part, stack in left(cloudformation, config).items():
        leaving.append((part, stack.name, cloudformation, consumers.GONE))
    return [partial(_leave, steps, *one) for one in leaving]


def left(cloudformation: Any, config: Config) -> dict[str, existing.Description]:
    """Return the stacks of parts that a configuration before this one had, by the part."""
    wanted = {
        release.NAME: config.service.release,
        rotation.NAME: config.instance and config.instance.rotates,
    }
    found = {
        part: existing.describe(cloudformation, f"{config.name}-{part}")
        for part, there in wanted.items()
        if not there
    }
    return {part: stack for part, stack in found.items() if stack}


def _leave(steps: Steps, what: str, stack: str, cloudformation: Any, why: str) -> None:
    with steps.step(what) as step:
        if there := existing.settled(cloudformation, stack, step):
            existing.delete(cloudformation, there, steps.clock)
        step.outcome = f"removed: {why}"
