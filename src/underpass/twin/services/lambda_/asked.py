"""What Lambda's operations ask for: an action of the function, by its name, its ARN or a part of that.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_NAMES = {"Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction"}
_NAMES["InvokeWithResponseStream"] = "InvokeFunction"
_QUALIFIED = frozenset(
    {*_NAMES, *(f"{verb}ProvisionedConcurrencyConfig" for verb in ("Delete", "Get", "Put"))}
)

# What these name is what a mapping calls, a condition of theirs
_OF_MAPPINGS = frozenset(
    {"CreateEventSourceMapping", "ListEventSourceMappings", "UpdateEventSourceMapping"}
)


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no function is named."""
    given = operation.parameters
    named = given.get("FunctionName")
    if not named or operation.name in _OF_MAPPINGS:
        return None
    resource = _function(operation, account, str(named))
    qualifier = given.get("Qualifier")
    if resource and qualifier and operation.name in _QUALIFIED and resource.count(":") == 6:
        resource += f":{qualifier}"
    return (Asked(f"lambda:{_NAMES.get(operation.name, operation.name)}", resource),)


def _function(operation: Operation, account: str, named: str) -> str | None:
    """Return the ARN of ``NAME``, ``ACCOUNT:function:NAME`` or an ARN, each perhaps with a qualifier."""
    if named.startswith("arn:"):
        return named
    parts = named.split(":")
    if len(parts) > 2 and parts[1] == "function":
        return arn(operation, parts[0], ":".join(parts[1:]))
    return arn(operation, account, f"function:{named}")
