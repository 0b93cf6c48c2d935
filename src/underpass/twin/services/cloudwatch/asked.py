"""What CloudWatch's operations ask for: an action of the alarms that are named, or of a namespace.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_OF_ALARMS = frozenset(
    {
        *("DeleteAlarms", "DescribeAlarmHistory", "DescribeAlarms", "DisableAlarmActions"),
        *("EnableAlarmActions", "PutCompositeAlarm", "PutMetricAlarm", "SetAlarmState"),
    }
)


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where nothing is named."""
    name, given = operation.name, operation.parameters
    action = f"cloudwatch:{name}"
    if name == "PutMetricData":
        namespace = given.get("Namespace")
        carried = {"cloudwatch:namespace": (str(namespace),)} if namespace else {}
        return (Asked(action, "*", carried, frozenset({"cloudwatch:namespace"}) - carried.keys()),)
    if given.get("ResourceARN"):
        return (Asked(action, str(given["ResourceARN"])),)
    if name not in _OF_ALARMS:
        return None
    alarms = given.get("AlarmNames") or [given.get("AlarmName")]
    return (
        tuple(
            Asked(action, arn(operation, account, f"alarm:{one}", "cloudwatch"))
            for one in alarms
            if one
        )
        or None
    )
