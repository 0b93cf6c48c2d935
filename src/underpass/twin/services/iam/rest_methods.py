"""What API Gateway's operations ask for: a method of HTTP on the path of what they mean.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagement.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
"""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import quote

from underpass.config.facts import actions
from underpass.twin.api.asked import Asked, partition
from underpass.twin.api.operation import Operation

_FOLDERS = ("apigateway", "apigatewayv2")  # which share their name, and half of their operations'


def asked(operation: Operation, _account: str) -> tuple[Asked, ...] | None:
    """Return what an operation asks for; ``None`` for what is an action by its own name."""
    if operation.name in actions.of_service("apigateway"):
        return None
    for folder in _FOLDERS:
        model = _model(folder, operation.name)
        path = _path(model, operation) if model is not None else None
        if path is not None:
            start = f"arn:{partition(operation.region)}:apigateway:{operation.region}::"
            return (Asked(f"apigateway:{model.http['method']}", start + path),)
    return None


@functools.cache
def _model(folder: str, name: str) -> Any:
    """Return botocore's description of an operation, where there is one."""
    from botocore.model import OperationNotFoundError
    from moto.core.utils import get_service_model

    try:
        return get_service_model(folder).operation_model(name)
    except OperationNotFoundError:
        return None


def _path(model: Any, operation: Operation) -> str | None:
    """Return the path with what the request names in it; ``None`` where it names something else."""
    path = str(model.http["requestUri"]).partition("?")[0].removeprefix("/v2")
    members = model.input_shape.members if model.input_shape else {}
    places = {shape.serialization.get("name", name): name for name, shape in members.items()}
    for place in re.findall(r"{([^}+]+)\+?}", path):
        named = operation.parameters.get(places.get(place, place))
        if named is None:
            return None
        path = re.sub(rf"{{{place}\+?}}", quote(str(named), safe=""), path, count=1)
    return path
