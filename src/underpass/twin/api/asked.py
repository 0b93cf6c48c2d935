"""What a request has to be allowed: an IAM action on a resource, with the condition keys it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from underpass.twin.api.operation import Operation


@dataclass(frozen=True)
class Asked:
    """One action on one resource.

    Attributes
    ----------
    action
        As policies name it, such as ``s3:GetObject``.
    resource
        An ARN; ``"*"`` when the action knows no resources, ``None`` when it cannot be told here.
    context
        The service's own condition keys that the request carries.
    absent
        Those the service would send and this request does not carry.
    known
        Whether IAM has the action; where not, it is called as the operation is, and needs a sure allow.
    """

    action: str
    resource: str | None
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    known: bool = True


def partition(region: str) -> str:
    """Return the partition of a region, as ARNs begin with it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(operation: Operation, account: str, rest: str, service: str = "") -> str:
    """Return an ARN of what is in ``account`` and the region that was asked."""
    where = f"{operation.region}:{account}:{rest}"
    return f"arn:{partition(operation.region)}:{service or operation.service}:{where}"
