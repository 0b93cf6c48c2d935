"""What ``AssumeRole`` gives a session beside its role: what moto leaves out, tags and further policies.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.sts.responses import TokenResponse

from underpass.twin.api import patch
from underpass.twin.services.iam import managed


@patch.wrap(TokenResponse, "assume_role")
def _assume(original: Callable[..., Any], response: Any) -> Any:
    answer = original(response)
    session = answer.result["Credentials"]
    given = response._get_param  # noqa: SLF001
    arns = [one["arn"] for one in given("PolicyArns") or ()]
    session.twin_managed = tuple(managed.document(session.account_id, arn) for arn in arns)
    session.twin_tags = {one["Key"]: one["Value"] for one in given("Tags") or ()}
    return answer


def policies(session: Any) -> tuple[str, ...]:
    """Return the documents that limit a session; none of them where it has its role's rights."""
    return (*((session.policy,) if session.policy else ()), *getattr(session, "twin_managed", ()))


def tags(session: Any) -> Mapping[str, str]:
    """Return the session's own tags, which go before its role's."""
    found: Mapping[str, str] = getattr(session, "twin_tags", {})
    return found
