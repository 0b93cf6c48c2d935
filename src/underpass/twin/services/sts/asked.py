"""What STS's operations ask for: to assume the role they name.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation

_KEYS = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}


def asked(operation: Operation, _account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no role is named."""
    given = operation.parameters
    if not given.get("RoleArn"):
        return None
    carried = {key: (str(given[one]),) for key, one in _KEYS.items() if given.get(one)}
    absent = frozenset(_KEYS) - carried.keys()
    return (Asked(f"sts:{operation.name}", str(given["RoleArn"]), carried, absent),)
