"""What IAM's own operations ask for: an action of a role, user, group or policy.

All of them may have a path, which only the requests that make them tell.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagement.html
"""

from __future__ import annotations

from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_MADE = {
    "CreateGroup": ("group", "GroupName"),
    "CreateInstanceProfile": ("instance-profile", "InstanceProfileName"),
    "CreatePolicy": ("policy", "PolicyName"),
    "CreateRole": ("role", "RoleName"),
    "CreateUser": ("user", "UserName"),
}
_OF_POLICIES = frozenset(
    {
        *("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "GetPolicy"),
        *("GetPolicyVersion", "ListEntitiesForPolicy", "ListPolicyTags", "ListPolicyVersions"),
        *("SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy"),
    }
)
# Of those a request has, the first names the resource.
_NAMING = (
    ("InstanceProfileName", "instance-profile"),
    ("GroupName", "group"),
    ("RoleName", "role"),
    ("UserName", "user"),
)
_ATTACHING = frozenset(
    f"{verb}{kind}Policy" for verb in ("Attach", "Detach") for kind in ("Group", "Role", "User")
)
_BOUNDED = frozenset(
    {"CreateRole", "CreateUser", "PutRolePermissionsBoundary", "PutUserPermissionsBoundary"}
)


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where nothing of it can be told."""
    name, given = operation.name, operation.parameters
    resource, keys = None, {}
    if name in _MADE:
        kind, member = _MADE[name]
        path = str(given.get("Path") or "/")
        where = f"arn:{partition(operation.region)}:iam::{account}:{kind}"
        resource = f"{where}{path}{given[member]}" if given.get(member) else None
    elif name in _OF_POLICIES:
        resource = str(given.get("PolicyArn") or "") or None
    else:
        named = (f"{kind}/{given[one]}" for one, kind in _NAMING if given.get(one))
        resource = next(
            (f"arn:{partition(operation.region)}:iam::{account}:{one}" for one in named), None
        )
    if name in _ATTACHING:
        keys = {"iam:PolicyARN": "PolicyArn"}
    elif name in _BOUNDED:
        keys = {"iam:PermissionsBoundary": "PermissionsBoundary"}
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    return (Asked(f"iam:{name}", resource, carried, frozenset(keys) - carried.keys()),)
