"""A task's credentials: a session of its role, named after it, which its own endpoint answers with.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

from datetime import timedelta

from underpass.twin.linux.process import StartError
from underpass.twin.services.ecs.model import Task
from underpass.twin.services.iam import sessions, trust

SERVICE = "ecs-tasks.amazonaws.com"
_LAST = timedelta(hours=6)


def path(task: Task) -> str:
    """Return where a task finds its credentials."""
    return f"/v2/credentials/{task.id}"


def check(role_arn: str, task_arn: str) -> None:
    """Raise a ``StartError``, in ECS's words, for a role that the task cannot assume."""
    if not trust.admits(role_arn, SERVICE, task_arn):
        raise StartError(
            f"ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify "
            "that the role being passed has the proper trust relationship and permissions and that your IAM "
            "user has permissions to pass this role."
        )


def answer(region: str, task: Task, role_arn: str) -> dict[str, str]:
    """Return the document the SDKs read; it is renewed before it ends."""
    held = sessions.take(region, role_arn, task.id, _LAST)
    return {
        "RoleArn": role_arn,
        "AccessKeyId": held.access_key_id,
        "SecretAccessKey": held.secret_access_key,
        "Token": held.token,
        "Expiration": held.ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
