"""The keys that the region's own IAM and STS have issued; moto makes up the sessions of two actions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.sts.exceptions import STSValidationError
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse
from moto.sts.utils import random_session_token

from underpass.twin.api import patch
from underpass.twin.api.refusal import access_key_of
from underpass.twin.api.signature import Key
from underpass.twin.region.credentials import Credentials
from underpass.twin.region.records import records

_MAY_LAST_S = range(
    900, 129_601
)  # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html


class Known:
    """The keys that are good out on the internet: the region's own, and those its IAM and STS have issued."""

    def __init__(self, *own: Credentials) -> None:
        self._own = {one.access_key_id: Key(one.secret_access_key) for one in own}

    def issued(self, access_key_id: str) -> Key | None:
        """Return the key of this id."""
        return self._own.get(access_key_id) or issued(access_key_id)


def issued(access_key_id: str) -> Key | None:
    """Return the active key of this id, a user's or a session's."""
    with records():
        for account_id, account in list(iam_backends.items()):
            for partition, backend in list(account.items()):
                held = backend.access_keys.get(access_key_id)
                if held and held.status == "Active":
                    return _key(held, account_id, partition)
    return None


def _key(held: Any, account_id: str, partition: str) -> Key | None:
    if held.user_name is not None:
        return Key(held.secret_access_key)
    role = sts_backends[account_id][partition].get_assumed_role_from_access_key(held.access_key_id)
    session = role or held
    if not getattr(session, "session_token", None):
        return None
    return Key(
        session.secret_access_key, session.session_token, session.expiration.replace(tzinfo=UTC)
    )


@patch.replace(TokenResponse, "get_session_token")
def _session(response: Any) -> Any:
    return ActionResult({"Credentials": _issue(response)})


@patch.wrap(TokenResponse, "get_federation_token")
def _federated(original: Callable[..., Any], response: Any) -> Any:
    answer = original(response)
    answer.result["Credentials"] = _issue(response)
    return answer


def _issue(response: Any) -> dict[str, Any]:
    """Make a session's key, which its backend keeps like that of an assumed role."""
    lasts_s = int(response._get_param("DurationSeconds", 43200))  # noqa: SLF001
    if lasts_s not in _MAY_LAST_S:
        least, most = _MAY_LAST_S[0], _MAY_LAST_S[-1]
        raise STSValidationError(
            f"1 validation error detected: Value '{lasts_s}' at 'durationSeconds' failed to satisfy "
            f"constraint: Member must have value between {least} and {most}"
        )
    key = iam_backends[response.current_account][response.partition].create_temp_access_key()
    key.session_token = random_session_token()
    key.twin_asked_by = access_key_of(response.normalized_request.environ)  # whose rights it has
    key.expiration = utcnow() + timedelta(seconds=lasts_s)
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "SessionToken": key.session_token,
        "Expiration": key.expiration,
    }
