"""The condition keys of every request, as far as a region on one machine can tell them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from underpass.policies.request import Context
from underpass.twin.api.asked import Asked
from underpass.twin.services.iam.callers import Caller

# Nobody here has an organisation or a second factor, and no service acts in another's name; what a request
# carries, or asks of KMS by the way, stands beside these.
_ABSENT = frozenset(
    {
        "aws:CalledVia",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalServiceNamesList",
        "aws:PrincipalTag/*",
        "aws:RequestTag/*",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIdentity",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:TagKeys",
        "aws:username",
        "kms:ViaService",
    }
)


def context(
    caller: Caller, asked: Asked, region: str, account: str, user_agent: str = ""
) -> Context:
    """Return the keys of one action that is asked for.

    How it came (``aws:SourceIp``, ``aws:SourceVpce``) and what tags a resource has, nobody here knows.
    """
    principal, now = caller.principal, datetime.now(UTC)
    values: dict[str, tuple[str, ...]] = {
        "aws:CurrentTime": (f"{now:%Y-%m-%dT%H:%M:%SZ}",),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:RequestedRegion": (region,),
        "aws:SecureTransport": ("true",),  # HTTP stands for HTTPS here
        "aws:UserAgent": (user_agent,),
        "aws:ViaAWSService": ("false",),
    }
    if account:
        values["aws:ResourceAccount"] = (account,)
    if principal.account:
        values |= _of(caller)
    else:
        values["aws:PrincipalType"] = ("Anonymous",)
    return Context(values | dict(asked.context), _ABSENT | asked.absent)


def _of(caller: Caller) -> dict[str, tuple[str, ...]]:
    principal = caller.principal
    values: dict[str, tuple[str, ...]] = {
        "aws:PrincipalAccount": (principal.account,),
        "aws:PrincipalArn": (principal.role or principal.arn,),
        "aws:PrincipalType": ("AssumedRole" if principal.role else "User",),
        "aws:SourceOwner": (principal.account,),  # SNS's own word, in the policies it makes
        "aws:userid": (caller.unique_id,),
        "kms:CallerAccount": (principal.account,),
        **{f"aws:PrincipalTag/{name}": (value,) for name, value in caller.tags.items()},
    }
    if principal.role:
        values["aws:MultiFactorAuthPresent"] = ("false",)
    else:
        values["aws:username"] = (principal.arn.rpartition("/")[2],)
    return values
