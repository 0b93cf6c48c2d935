"""What comes of a request, and the policies that have a say in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from underpass.policies.document import Policy, Statement


class Verdict(Enum):
    """What comes of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "cannot tell"


class Why(Enum):
    """What decided, in AWS's words."""

    DENY_IN_IDENTITY = "an explicit deny in an identity-based policy"
    DENY_IN_RESOURCE = "an explicit deny in a resource-based policy"
    DENY_IN_SESSION = "an explicit deny in a session policy"
    DENY_IN_BOUNDARY = "an explicit deny in a permissions boundary"
    DENY_IN_ENDPOINT = "an explicit deny in a VPC endpoint policy"
    NO_IDENTITY = "no identity-based policy allows"
    NO_RESOURCE = "no resource-based policy allows"
    NO_SESSION = "no session policy allows"
    NO_BOUNDARY = "no permissions boundary allows"
    NO_ENDPOINT = "no VPC endpoint policy allows"
    BY_IDENTITY = "allowed by an identity-based policy"
    BY_RESOURCE = "allowed by a resource-based policy"
    BY_ROOT = "allowed as the account's root user"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Policies:
    """The policies that have a say in a request.

    Attributes
    ----------
    identity
        The policies of the caller.
    boundary, session
        What limits them, where there is any; a session without policies of its own is ``None``.
    resource
        The resource's own policy.
    governs
        The resource's policy has to allow, whatever the identity's do: a KMS key's, a role's trust policy.
    endpoint
        The policy of the VPC endpoint the request goes through.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource: Policy | None = None
    governs: bool = False
    endpoint: Policy | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict, what decided, and the statement that did, where one did."""

    verdict: Verdict
    why: Why
    statement: Statement | None = None
