"""What Systems Manager's operations on parameters ask for: an action of each parameter that is named.

A parameter's ARN has one slash after ``parameter``, whether its name begins with one or not.
https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_OF_PARAMETERS = {
    "DeleteParameter": "Name",
    "DeleteParameters": "Names",
    "GetParameter": "Name",
    "GetParameterHistory": "Name",
    "GetParameters": "Names",
    "GetParametersByPath": "Path",
    "LabelParameterVersion": "Name",
    "PutParameter": "Name",
    "UnlabelParameterVersion": "Name",
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where it is no parameter's."""
    member = _OF_PARAMETERS.get(operation.name)
    if member is None:
        return None
    given = operation.parameters.get(member)
    names = given if isinstance(given, list) else [given]
    start = f"arn:{partition(operation.region)}:ssm:{operation.region}:{account}:parameter/"
    action = f"ssm:{operation.name}"
    return tuple(Asked(action, _resource(start, name)) for name in names or [None])


def _resource(start: str, name: str | None) -> str | None:
    if not name:
        return None
    if name.startswith("arn:"):
        parts = name.split(":")  # what follows the sixth is a version or a label
        return ":".join(parts[:6])
    return start + name.partition(":")[0].removeprefix("/")
