"""Other accounts: one is there as soon as somebody is let into it, as in an organization of AWS's.

The twin's own account is the organization's management account. Its administrator assumes, in any other,
the role that Organizations makes there, and from then on that account has roles and users of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.exceptions import STSClientError
from moto.sts.responses import TokenResponse

from underpass.twin.api import patch
from underpass.twin.region.accounts import ENTRY, entry
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.services.iam import callers


@patch.wrap(TokenResponse, "assume_role")
def _assumed(original: Callable[..., Any], response: Any) -> Any:
    """Take no session of a role that is not there, as moto does; the way in is made when first taken."""
    arn = str(response._get_param("RoleArn"))  # noqa: SLF001
    if not _there(arn):
        caller = callers.find(response.get_access_key())
        account = arn.split(":")[4] if arn.count(":") == entry("").count(":") else ""
        if caller is not None or account == ACCOUNT_ID or arn != entry(account):
            who = caller.principal.arn if caller else f"arn:aws:iam::{ACCOUNT_ID}:root"
            raise STSClientError(
                "AccessDenied",
                f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            )
        _open(iam_backends[account]["aws"])
    return original(response)


def _there(arn: str) -> bool:
    backends = list(iam_backends.values())
    return any(role.arn == arn for one in backends for role in one["aws"].roles.values())


def _open(backend: Any) -> None:
    trust = _allow("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"})
    backend.create_role(ENTRY, trust, "/", None, "", [], "3600")
    backend.put_role_policy(ENTRY, "AdministratorAccess", _allow("*", Resource="*"))


def _allow(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
