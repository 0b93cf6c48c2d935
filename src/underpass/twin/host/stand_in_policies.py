"""The user's own managed policies on the twin: a stand-in of the same name for each that is not there.

AWS's own are known to the twin. What a policy of the user's account says, nobody here knows, so the stand-in
allows everything on a condition that cannot be told: a task's call is let through where nothing else allows
it, and the log says so. One the user makes here is taken as it is.
"""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from underpass.blueprint.iam import document
from underpass.config import Config
from underpass.twin.region.aws import ACCOUNT_ID, Clients

_ACCOUNT = 4  # the part of an ARN
_UNKNOWN = {
    "Sid": "StandIn",
    "Effect": "Allow",
    "Action": "*",
    "Resource": "*",
    "Condition": {"Bool": {"underpass:NobodyKnows": "true"}},
}


def ensure(clients: Clients, config: Config, *, make: bool = True) -> tuple[str, ...]:
    """Return ``[service] policies`` as the twin has them, made first where that is asked."""
    return tuple(_here(clients, arn, make=make) for arn in config.service.policies)


def _here(clients: Clients, arn: str, *, make: bool) -> str:
    parts = arn.split(":")
    if parts[_ACCOUNT] == "aws":
        return arn
    parts[_ACCOUNT] = ACCOUNT_ID
    here = ":".join(parts)
    if not make:
        return here
    iam = clients("iam")
    try:
        iam.get_policy(PolicyArn=here)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        path, _, name = here.partition(":policy")[2].rpartition("/")
        text = json.dumps(document(_UNKNOWN))
        iam.create_policy(PolicyName=name, Path=f"{path}/", PolicyDocument=text)
    return here
