"""What Secrets Manager's operations ask for: an action of the secret, by its ARN.

A secret's ARN ends in six characters that its name does not tell: they are question marks, as policies write
them, where a request has the name or the start of an ARN. A name that itself ends in a hyphen and six
characters is taken for a whole ARN's end, which is why AWS advises against such names.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
"""

from __future__ import annotations

import re

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation

_WHOLE = re.compile(r"arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}")
_STAGED = {
    "secretsmanager:SecretId": "SecretId",
    "secretsmanager:VersionId": "VersionId",
    "secretsmanager:VersionStage": "VersionStage",
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no secret is named."""
    given = operation.parameters
    named = given.get("SecretId")
    if named is None:
        return None
    whole = _WHOLE.fullmatch(str(named))
    start = named if str(named).startswith("arn:") else arn(operation, account, f"secret:{named}")
    resource = str(named) if whole else f"{start}-??????"
    keys = _STAGED if operation.name == "GetSecretValue" else {}
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    # AWS sends the secret's ARN, whatever was written
    carried.pop("secretsmanager:SecretId", None)
    if whole and keys:
        carried["secretsmanager:SecretId"] = (resource,)
    absent = frozenset(keys) - carried.keys() - {"secretsmanager:SecretId"}
    return (Asked(f"secretsmanager:{operation.name}", resource, carried, absent),)
