"""What STS's operations ask for: an action of the role that is to be assumed.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked
from underpass.twin.api.operation import Operation

_KEYS = {"sts:ExternalId": "ExternalId", "sts:RoleSessionName": "RoleSessionName"}


def asked(operation: Operation, _account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no role is named."""
    name, given = operation.name, operation.parameters
    if not name.startswith("AssumeRole"):
        return None
    keys = {key: one for key, one in _KEYS.items() if name == "AssumeRole" or "External" not in one}
    if name == "AssumeRoleWithSAML":
        keys = {}
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    role = str(given.get("RoleArn") or "") or None
    found = Asked(f"sts:{name}", role, carried, frozenset(keys) - carried.keys())
    tagging = Asked("sts:TagSession", role)
    return (found, tagging) if given.get("Tags") else (found,)
