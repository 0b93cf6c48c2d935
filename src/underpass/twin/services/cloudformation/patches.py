"""The CloudFormation actions of the API, answered by the twin's engine instead of moto's.

moto still parses the request, by botocore's own model of the service. The response is written here: whoever
follows a stack asks for its events several times a second, and moto's way of writing them costs as much as
all that the stack itself does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model

from underpass.twin.api import patch
from underpass.twin.region.aws import ACCOUNT_ID
from underpass.twin.region.direct import PLAIN
from underpass.twin.services.cloudformation import xml
from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.cloudformation.model import ApiError

log = logging.getLogger(__name__)

ACTIONS = (
    "ContinueUpdateRollback",
    "CreateChangeSet",
    "CreateStack",
    "DeleteChangeSet",
    "DeleteStack",
    "DescribeChangeSet",
    "DescribeStackEvents",
    "DescribeStackResource",
    "DescribeStackResources",
    "DescribeStacks",
    "ExecuteChangeSet",
    "GetTemplate",
    "GetTemplateSummary",
    "ListChangeSets",
    "ListExports",
    "ListImports",
    "ListStackResources",
    "ListStacks",
    "UpdateStack",
    "UpdateTerminationProtection",
    "ValidateTemplate",
)


_engine: list[Engine] = []


def attach(engine: Engine) -> None:
    """Have ``engine`` answer every CloudFormation action from now on; those it lacks are refused."""
    _engine[:] = [engine]


@patch.compute(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER")
def _transformers(_response: Any) -> dict[str, Any]:
    """Return none: they are for moto's own models."""
    return {}


def _answering(action: str, method: str) -> Callable[[Any], Any]:
    def answer(response: Any) -> Any:
        try:
            _own_account(response.current_account)
            act = getattr(_engine[0], method) if action in ACTIONS else _refused(action)
            result = act(dict(response.params))
            if response.normalized_request.environ.get(PLAIN) is not None:
                return ActionResult(result)
            return xml.written(action, result), {"Content-Type": "text/xml"}
        except ApiError as error:
            raise CloudFormationError(error.code, error.message) from error
        except Exception as error:
            log.exception("CloudFormation broke")
            raise CloudFormationError(
                "InternalFailure", f"{type(error).__name__}: {error}"
            ) from error

    return answer


def _own_account(account: str) -> None:
    """Refuse other accounts: the engine would make their resources in the twin's own."""
    if account != ACCOUNT_ID:
        raise ApiError(
            "ValidationError",
            f"The twin's CloudFormation has the stacks of account {ACCOUNT_ID} only; {account} calls",
        )


def _refused(action: str) -> Callable[[Any], dict[str, Any]]:
    def refuse(_: Any) -> dict[str, Any]:
        raise ApiError("ValidationError", f"The twin's CloudFormation does not support {action}")

    return refuse


for _action in get_service_model("cloudformation").operation_names:
    _method = camelcase_to_underscores(_action)
    patch.add(CloudFormationResponse, _method)(_answering(_action, _method))
