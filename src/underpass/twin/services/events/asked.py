"""What EventBridge's operations ask for: an action of the bus for each event, or of a rule.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
"""

from __future__ import annotations

from collections.abc import Mapping

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_OF_RULES = frozenset(
    {
        *("DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTargetsByRule"),
        *("PutRule", "PutTargets", "RemoveTargets"),
    }
)
_OF_BUSES = frozenset({"CreateEventBus", "DeleteEventBus", "DescribeEventBus", "UpdateEventBus"})


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where neither bus nor rule is named."""
    name, given = operation.name, operation.parameters
    action = f"events:{name}"
    if name == "PutEvents":
        return (
            tuple(_put(operation, account, entry) for entry in given.get("Entries") or ()) or None
        )
    if given.get("ResourceARN"):
        return (Asked(action, str(given["ResourceARN"])),)
    if name in _OF_BUSES:
        return (Asked(action, _bus(operation, account, given.get("Name"))),)
    rule = given.get("Rule") or given.get("Name")
    if name not in _OF_RULES or not rule:
        return None
    bus = str(given.get("EventBusName") or "default").rpartition("/")[2]
    within = "" if bus == "default" else f"{bus}/"
    return (Asked(action, arn(operation, account, f"rule/{within}{rule}")),)


def _put(operation: Operation, account: str, entry: Mapping[str, object]) -> Asked:
    keys = {"events:source": "Source", "events:detail-type": "DetailType"}
    carried = {key: (str(entry[member]),) for key, member in keys.items() if entry.get(member)}
    resource = _bus(operation, account, entry.get("EventBusName"))
    return Asked("events:PutEvents", resource, carried, frozenset(keys) - carried.keys())


def _bus(operation: Operation, account: str, named: object) -> str:
    bus = str(named or "default")
    return bus if bus.startswith("arn:") else arn(operation, account, f"event-bus/{bus}")
