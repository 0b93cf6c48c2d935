"""The CloudFormation actions of the API, answered by the twin's engine instead of moto's.

moto still parses the request, by botocore's own model of the service. The response is written here: whoever
follows a stack asks for its events several times a second, and moto's way of writing them costs as much as
all that the stack itself does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model

from underpass.twin.api import patch
from underpass.twin.region.context import Region
from underpass.twin.region.direct import PLAIN
from underpass.twin.services.cloudformation import xml
from underpass.twin.services.cloudformation.engine import Engine
from underpass.twin.services.cloudformation.model import ApiError
from underpass.twin.services.cloudformation.resource_type import ResourceType

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


Types = Callable[[Region], Mapping[str, ResourceType]]


class _Engines(dict[str, Engine]):
    """The engines by account, each made when somebody calls there first."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._made_with: tuple[Region, Types]

    def begin(self, region: Region, types: Types) -> None:
        """Forget those there are; make the one of the region's own account."""
        self.clear()
        self._made_with = (region, types)
        self[region.account]

    def __missing__(self, account: str) -> Engine:
        with self._lock:
            if account not in self:
                region, types = self._made_with
                there = region.of(account)
                self[account] = Engine(there, types(there))
            return self[account]


_engines = _Engines()


def attach(region: Region, types: Types) -> None:
    """Have engines of ``region`` answer every CloudFormation action from now on, one in each account.

    Parameters
    ----------
    types
        Returns the resource types of the region as one account sees it. Actions that the engines lack are
        refused.
    """
    _engines.begin(region, types)


@patch.compute(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER")
def _transformers(_response: Any) -> dict[str, Any]:
    """Return none: they are for moto's own models."""
    return {}


def _answering(action: str, method: str) -> Callable[[Any], Any]:
    def answer(response: Any) -> Any:
        try:
            if action in ACTIONS:
                act = getattr(_engines[response.current_account], method)
            else:
                act = _refused(action)
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


def _refused(action: str) -> Callable[[Any], dict[str, Any]]:
    def refuse(_: Any) -> dict[str, Any]:
        raise ApiError("ValidationError", f"The twin's CloudFormation does not support {action}")

    return refuse


for _action in get_service_model("cloudformation").operation_names:
    _method = camelcase_to_underscores(_action)
    patch.add(CloudFormationResponse, _method)(_answering(_action, _method))
