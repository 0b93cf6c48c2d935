"""One task, run to its end, with what it says as it says it.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from underpass.deploy.clock import Clock, poll
from underpass.deploy.observe import logs
from underpass.errors import UnderpassError

LONGEST_S = 7 * 86_400.0  # a migration may take its time: whoever waits can end it
_LATE_S = 0.2  # a task's last lines may come a moment after its end


@dataclass(frozen=True)
class Where:
    """Where a task runs: the cluster, its subnets and its security group."""

    cluster: str
    subnets: tuple[str, ...]
    group: str

    @classmethod
    def of(cls, outputs: Mapping[str, str]) -> Where:
        """Return the service's own place, from what the foundation and the capacity hand on."""
        subnets = tuple(outputs["AppSubnetIds"].split(","))
        return cls(outputs["ClusterName"], subnets, outputs["TaskSecurityGroupId"])


def request(where: Where, definition: str, by: str) -> dict[str, Any]:
    """Return what RunTask is asked for: a task of the definition, by the cluster's own strategy.

    ``by`` is who starts it (``startedBy``): it can be found by that again.
    """
    return {
        "cluster": where.cluster,
        "taskDefinition": definition,
        "startedBy": by,
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": list(where.subnets),
                "securityGroups": [where.group],
                "assignPublicIp": "DISABLED",
            }
        },
    }


def start(ecs: Any, asked: Mapping[str, Any]) -> str:
    """Start a task, and return its ARN.

    Raises
    ------
    UnderpassError
        When ECS has no place for it.
    """
    answer = ecs.run_task(**asked)
    if answer["failures"] or not answer["tasks"]:
        reasons = ", ".join(str(one.get("reason")) for one in answer["failures"])
        raise UnderpassError(
            "ECS did not start the task",
            reasons or "it gave no reason",
            "see that the cluster has room for one task more",
        )
    return str(answer["tasks"][0]["taskArn"])


def under_way(ecs: Any, where: Where, by: str) -> list[Any]:
    """Return the tasks that ``by`` has started and that have not ended, as ECS describes them."""
    arns = ecs.list_tasks(cluster=where.cluster, startedBy=by, desiredStatus="RUNNING")["taskArns"]
    return ecs.describe_tasks(cluster=where.cluster, tasks=arns)["tasks"] if arns else []


def follow(
    client: Callable[[str], Any],
    clock: Clock,
    cluster: str,
    task: str,
    stream: logs.Stream,
    say: Callable[[str], None],
) -> Any:
    """Wait until a task has ended, and return it as ECS describes it; stop it when the wait is given up.

    Parameters
    ----------
    task
        Its ARN.
    say
        Called with each line it writes.
    stream
        What it writes to.
    """
    ecs, written = client("ecs"), logs.Tail(client("logs"), stream)
    last: dict[str, Any] = {"taskArn": task}

    def look() -> Any:
        for line in written.new():
            say(line)
        found = ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"]
        last.update(found[0] if found else {"lastStatus": "STOPPED"})  # ECS forgets after an hour
        return last if last["lastStatus"] == "STOPPED" else None

    try:
        poll(clock, look, timeout_s=LONGEST_S, what=f"task {task}")
        clock.pause(_LATE_S)
        for line in written.new():
            say(line)
    except BaseException:
        with suppress(BotoCoreError, ClientError):
            ecs.stop_task(cluster=cluster, task=task, reason="underpass gave up waiting")
        raise
    return last
