"""The permissions boundaries of users, which moto drops: it keeps those of roles alone.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam.exceptions import NoSuchEntity, ValidationError
from moto.iam.models import User
from moto.iam.responses import IamResponse

from underpass.twin.api import patch


@patch.wrap(IamResponse, "create_user")
def _create(original: Callable[..., Any], response: Any) -> Any:
    arn = _told(response)
    answer = original(response)
    answer.result["User"].twin_boundary_arn = arn
    return answer


@patch.add(IamResponse, "put_user_permissions_boundary")
def _put(response: Any) -> Any:
    _user(response).twin_boundary_arn = _told(response)
    return EmptyResult()


@patch.add(IamResponse, "delete_user_permissions_boundary")
def _delete(response: Any) -> Any:
    user = _user(response)
    if not getattr(user, "twin_boundary_arn", None):
        raise NoSuchEntity(f"User {user.name} has no permissions boundary.")
    user.twin_boundary_arn = None
    return EmptyResult()


@patch.compute(User, "permissions_boundary")
def _boundary(user: Any) -> dict[str, str] | None:
    arn = getattr(user, "twin_boundary_arn", None)
    if not arn:
        return None
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def _user(response: Any) -> Any:
    return response.backend.get_user(response._get_param("UserName"))  # noqa: SLF001


def _told(response: Any) -> str | None:
    """Return the ARN a request has for a boundary."""
    arn: str | None = response._get_param("PermissionsBoundary")  # noqa: SLF001
    if arn and not response.backend.policy_arn_regex.match(arn):
        raise ValidationError(f"Value ({arn}) for parameter PermissionsBoundary is invalid.")
    return arn
