"""The CloudFormation actions of the API, answered by the twin's engine instead of moto's.

moto still parses the request and writes the response, by botocore's own model of the service.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.cloudformation.errors import ApiError

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


def install(engine: Engine) -> None:
    """Let ``engine`` answer every CloudFormation action; those it lacks are refused. May be called again."""
    _leave_out_motos_engine()
    from moto.cloudformation.responses import CloudFormationResponse
    from moto.core.utils import camelcase_to_underscores, get_service_model

    CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER = {}  # those are for moto's own models
    for action in get_service_model("cloudformation").operation_names:
        method = camelcase_to_underscores(action)
        act = getattr(engine, method) if action in ACTIONS else _refused(action)
        setattr(CloudFormationResponse, method, _answering(act))


def _leave_out_motos_engine() -> None:
    """Give an empty module in its place: it imports every service it could make, a sixth of all imports."""
    name = "moto.cloudformation.parsing"
    if name not in sys.modules:
        empty = ModuleType(name)
        for needed in ("Export", "OutputMap", "ResourceMap"):
            setattr(empty, needed, object)
        sys.modules[name] = empty


def _answering(act: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Any]:
    from moto.cloudformation.exceptions import CloudFormationError
    from moto.core.responses import ActionResult

    def answer(self: Any) -> Any:
        try:
            return ActionResult(act(dict(self.params)))
        except ApiError as error:
            raise CloudFormationError(error.code, error.message) from error
        except Exception as error:
            log.exception("CloudFormation broke")
            raise CloudFormationError(
                "InternalFailure", f"{type(error).__name__}: {error}"
            ) from error

    return answer


def _refused(action: str) -> Callable[[Any], dict[str, Any]]:
    def refuse(_: Any) -> dict[str, Any]:
        raise ApiError("ValidationError", f"The twin's CloudFormation does not support {action}")

    return refuse
