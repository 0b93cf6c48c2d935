"""Other accounts: one is there as soon as somebody is let into it, as in an organization of AWS's.

The twin's own account is the organization's management account. Its administrator assumes, in any other,
the role that Organizations makes there, and from then on that account has roles and users of its own.
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.models import iam_backends

from underpass.twin.region.accounts import ENTRY, entry
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.records import records


@records()
def let_in(role_arn: str) -> None:
    """Make an account's way in, where it is this that its administrator wants to assume first."""
    found = re.fullmatch(entry("([0-9]{12})"), role_arn)
    if found and found[1] != ACCOUNT_ID:
        roles = iam_backends[found[1]]["aws"]
        if not any(one.name == ENTRY for one in roles.roles.values()):
            trust = _allow("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"})
            roles.create_role(ENTRY, trust, "/", None, "", [], "3600")
            roles.put_role_policy(ENTRY, "AdministratorAccess", _allow("*", Resource="*"))


def _allow(action: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
