"""What CloudWatch Logs' operations ask for: an action of the log group, or of the log stream.

A group is asked for as its streams' ARNs begin, so that a policy needs ``:*`` after its name.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_OF_STREAM = frozenset({"CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"})
_OF_GROUPS = frozenset({"StartLiveTail", "StartQuery"})


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no log group is named."""
    given, action = operation.parameters, f"logs:{operation.name}"
    if given.get("resourceArn"):  # of what is tagged, with nothing after its name
        return (Asked(action, str(given["resourceArn"]).removesuffix(":*")),)
    names = [given.get("logGroupName") or given.get("logGroupIdentifier")]
    if operation.name in _OF_GROUPS:
        several = (given.get("logGroupNames"), given.get("logGroupIdentifiers"))
        names += [one for some in several for one in some or ()]
    stream = given.get("logStreamName") if operation.name in _OF_STREAM else None
    return (
        tuple(
            Asked(action, f"{_group(operation, account, str(one))}:log-stream:{stream or ''}")
            for one in names
            if one
        )
        or None
    )


def _group(operation: Operation, account: str, named: str) -> str:
    if named.startswith("arn:"):
        return named.removesuffix(":*")
    return arn(operation, account, f"log-group:{named}")
