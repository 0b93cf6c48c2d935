"""Sessions of roles that AWS's services take: ECS one for each task, Lambda one for each environment.

They are STS's own, so whoever asks who he is hears the role, and what is signed with them is judged by it.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from underpass.twin.region.records import records

_LEFT = timedelta(hours=1)  # one that ends sooner is not handed out again
_LONGEST_NAME = 64


@dataclass(frozen=True, repr=False)
class Session:
    """The credentials of an assumed role."""

    role_arn: str
    access_key_id: str
    secret_access_key: str
    token: str
    ends: datetime

    @property
    def fresh(self) -> bool:
        """Whether it lasts a while longer."""
        return self.ends - datetime.now(UTC) > _LEFT


@records()
def take(region: str, role_arn: str, name: str, lasts: timedelta) -> Session:
    """Return a session of a role by this name: the one there is, or a new one when that ends soon."""
    backend = sts_backends[role_arn.split(":")[4]]["aws"]
    _forget_ended(backend)
    name = name[:_LONGEST_NAME]
    for held in backend.assumed_roles:
        if (held.role_arn, held.session_name) == (role_arn, name) and _session(held).fresh:
            return _session(held)
    seconds = int(lasts.total_seconds())
    return _session(backend.assume_role(region, name, role_arn, "", seconds, ""))


def _session(held: Any) -> Session:
    return Session(
        role_arn=held.role_arn,
        access_key_id=held.access_key_id,
        secret_access_key=held.secret_access_key,
        token=held.session_token,
        ends=held.expiration.replace(tzinfo=UTC),
    )


def _forget_ended(backend: Any) -> None:
    """Drop what can no longer be used; moto keeps it for ever, and looks through all of it at each call."""
    now = utcnow()
    keys = iam_backends[backend.account_id]["aws"].access_keys
    for held in [one for one in backend.assumed_roles if one.expiration < now]:
        backend.assumed_roles.remove(held)
        keys.pop(held.access_key_id, None)
    for key_id in [name for name, one in keys.items() if getattr(one, "expiration", now) < now]:
        del keys[key_id]
