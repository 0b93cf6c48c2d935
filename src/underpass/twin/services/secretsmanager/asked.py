"""What Secrets Manager's operations ask for: an action of the secret, by its ARN.

A secret's ARN ends in six characters that its name does not tell: they are question marks, as policies write
them, where a request has the name or the start of an ARN. A name that itself ends in a hyphen and six
characters is taken for a whole ARN's end, which is why AWS advises against such names.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from underpass.twin.api.asked import Asked, arn
from underpass.twin.api.operation import Operation
from underpass.twin.region.backends import NOT_THERE, backend_of
from underpass.twin.region.records import records

_WHOLE = re.compile(r"arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:.+-[A-Za-z0-9]{6}")
_STAGED = {
    "secretsmanager:SecretId": "SecretId",
    "secretsmanager:VersionId": "VersionId",
    "secretsmanager:VersionStage": "VersionStage",
}


def asked(operation: Operation, account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` where no secret is named."""
    given = operation.parameters
    if operation.name == "BatchGetSecretValue":
        return _several(operation, account)
    named = given.get("Name") if operation.name == "CreateSecret" else given.get("SecretId")
    if named is None:
        return None
    keys = _STAGED if operation.name == "GetSecretValue" else {}
    return (_one(operation, account, operation.name, str(named), keys),)


def _one(
    operation: Operation, account: str, name: str, named: str, keys: Mapping[str, str]
) -> Asked:
    given = operation.parameters
    whole = _WHOLE.fullmatch(named)
    start = named if named.startswith("arn:") else arn(operation, account, f"secret:{named}")
    resource = named if whole else f"{start}-??????"
    carried = {key: (str(given[one]),) for key, one in keys.items() if given.get(one)}
    # AWS sends the secret's ARN, whatever was written
    carried.pop("secretsmanager:SecretId", None)
    if whole and keys:
        carried["secretsmanager:SecretId"] = (resource,)
    absent = frozenset(keys) - carried.keys() - {"secretsmanager:SecretId"}
    return Asked(f"secretsmanager:{name}", resource, carried, absent)


def _several(operation: Operation, account: str) -> tuple[Asked, ...]:
    """Return the reading of each secret of a batch, all of which is refused for one that may not be read.

    AWS answers with the others.
    """
    given, listing = operation.parameters, "secretsmanager:ListSecrets"
    found = [Asked("secretsmanager:BatchGetSecretValue", None)]
    names = [str(one) for one in given.get("SecretIdList") or ()]
    if given.get("Filters"):
        found.append(Asked(listing, None))
        names += _matching(operation, account)
    read = (_one(operation, account, "GetSecretValue", one, _STAGED) for one in names)
    return (*found, *read)


@records()
def _matching(operation: Operation, account: str) -> list[str]:
    """Return the ARNs of the secrets that a batch's filters choose."""
    from moto.secretsmanager.models import secretsmanager_backends

    with suppress(*NOT_THERE):
        held = backend_of(secretsmanager_backends, account, operation.region)
        found, _ = held.list_secrets(operation.parameters["Filters"], len(held.secrets) + 1)
        return [str(one["ARN"]) for one in found]
    return []
