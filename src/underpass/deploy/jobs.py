"""A job that is run now: started as its schedule would, its log followed, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from underpass.config import Config
from underpass.deploy import one_off
from underpass.deploy.clock import Clock
from underpass.deploy.observe import jobs, logs
from underpass.deploy.observe.jobs import Reachable, Run
from underpass.deploy.observe.logs import Stream
from underpass.errors import UnderpassError

STARTED_BY = "underpass"


def run(
    config: Config,
    target: Reachable,
    name: str,
    clock: Clock,
    *,
    started: Callable[[str], None],
    say: Callable[[str], None],
) -> Run:
    """Run a job and return how it ended.

    Parameters
    ----------
    started
        Called with the task's id as soon as there is one.
    say
        Called with each line of its log.

    Raises
    ------
    UnderpassError
        When there is no such job, it is not deployed, or ECS does not take it.
    """
    job = jobs.named(config, name)
    described = jobs.schedule(config, target, job)
    if described is None:
        raise UnderpassError(
            f"the job {name} is not deployed",
            f"the stack {config.name}-service has no schedule of it",
            "deploy the application, on the twin with `underpass up`, and run it again",
        )
    asked = _as_scheduled(described["Target"])
    task = one_off.start(target.client("ecs"), asked)
    stream = Stream(logs.group(config.name), name, name).of(task)
    started(stream.task)
    ended = one_off.follow(target.client, clock, asked["cluster"], task, stream, say)
    return jobs.run(job, ended)


def _as_scheduled(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return what RunTask is asked for: what the schedule says, under RunTask's names."""
    ecs = target["EcsParameters"]
    network = ecs["NetworkConfiguration"]["awsvpcConfiguration"]
    awsvpc = {key[0].lower() + key[1:]: value for key, value in network.items()}
    return {
        "cluster": target["Arn"],
        "taskDefinition": ecs["TaskDefinitionArn"],
        "capacityProviderStrategy": ecs["CapacityProviderStrategy"],
        "networkConfiguration": {"awsvpcConfiguration": awsvpc},
        "group": ecs["Group"],
        "propagateTags": ecs["PropagateTags"],
        "enableECSManagedTags": ecs["EnableECSManagedTags"],
        "startedBy": STARTED_BY,
    }
