"""IAM in moto, corrected: AWS's own policies can be attached, and the administrator is a user of IAM's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.models import IAMBackend
from moto.sts.models import STSBackend

from underpass.twin.api import patch
from underpass.twin.services.iam import callers, managed


@patch.wrap(IAMBackend, "attach_role_policy")
def _attach(original: Callable[..., Any], backend: Any, policy_arn: str, role_name: str) -> Any:
    managed.know(backend, policy_arn)
    return original(backend, policy_arn, role_name)


@patch.wrap(STSBackend, "get_caller_identity")
def _identity(original: Callable[..., Any], backend: Any, *given: Any, **named: Any) -> Any:
    user_id, arn, account = original(backend, *given, **named)
    if arn.endswith(":user/moto"):
        arn = callers.ADMINISTRATOR.principal.arn
    return user_id, arn, account
