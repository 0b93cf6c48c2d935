"""What EventBridge Scheduler's operations ask for: an action of the schedule.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no schedule is named."""
    given, action = operation.parameters, f"scheduler:{operation.name}"
    if given.get("ResourceArn"):
        return (Asked(action, str(given["ResourceArn"])),)
    if not given.get("Name"):
        return None
    if operation.name.endswith("Group"):
        return (Asked(action, arn(operation, account, f"schedule-group/{given['Name']}")),)
    group = given.get("GroupName") or "default"
    return (Asked(action, arn(operation, account, f"schedule/{group}/{given['Name']}")),)
