"""What runs once before a new version takes over, ``[service] release``: to its end, and only if it has not.

The service's stack says after which task definition of the release it was deployed. So a release that failed,
or whose deployment did, runs again; and one that nothing has changed of does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from underpass.blueprint.release import NAME
from underpass.blueprint.service.program import RELEASE
from underpass.deploy import one_off
from underpass.deploy.observe import tasks
from underpass.deploy.observe.logs import Stream
from underpass.deploy.one_off import Where
from underpass.deploy.stacks import stack as existing
from underpass.deploy.steps import Step
from underpass.errors import UnderpassError

STARTED_BY = "underpass-release"


class ReleaseFailedError(UnderpassError):
    """The command of ``[service] release`` failed; nothing of the version that serves was touched."""


def run(
    client: Callable[[str], Any], name: str, known: Mapping[str, str], definition: str, step: Step
) -> None:
    """Run the release of application ``name``, unless the service is deployed after just this one.

    Parameters
    ----------
    known
        The outputs of the foundation and the capacity.
    definition
        The ARN of its task definition.

    Raises
    ------
    ReleaseFailedError
        When its task ends otherwise than with exit code 0.
    """
    service = existing.describe(client("cloudformation"), f"{name}-service")
    if service and not service.unusable and service.parameters.get(RELEASE) == definition:
        step.outcome = "it ran before, and nothing of it has changed"
        return
    where, ecs = Where.of(known), client("ecs")
    stream = Stream(f"/underpass/{name}/{NAME}", NAME, NAME)
    task = _taken_over(client, where, definition, stream, step) or one_off.start(
        ecs, one_off.request(where, definition, STARTED_BY)
    )
    ended = _followed(client, where, task, stream, step)
    if tasks.exit_code(ended) != 0:
        raise _failed(ended, again=service is not None)
    step.outcome = f"task {tasks.task_id(ended)} ended well"


def _taken_over(
    client: Callable[[str], Any], where: Where, definition: str, stream: Stream, step: Step
) -> str:
    """Return a run of this very release that a killed deployment has left; another's is waited for first."""
    ours = ""
    for task in one_off.under_way(client("ecs"), where, STARTED_BY):
        if task["taskDefinitionArn"] == definition:
            ours = task["taskArn"]
            continue
        step.tell("warning", "an earlier release still runs: this one begins when it has ended")
        _followed(client, where, task["taskArn"], stream, step)
    return ours


def _followed(
    client: Callable[[str], Any], where: Where, task: str, stream: Stream, step: Step
) -> Any:
    return one_off.follow(
        client,
        step.clock,
        where.cluster,
        task,
        stream.of(task),
        lambda line: step.tell("said", line),
    )


def _failed(ended: Any, *, again: bool) -> ReleaseFailedError:
    exit_code = tasks.exit_code(ended)
    code = "" if exit_code is None else f" (exit code {exit_code})"
    rest = "what served before goes on serving" if again else "nothing of the service was made"
    return ReleaseFailedError(
        "the release failed",
        f"task {tasks.task_id(ended)} stopped: {tasks.stopped_reason(ended)}{code}; {rest}",
        "mend what it says above and run the command again: the release runs anew",
    )
