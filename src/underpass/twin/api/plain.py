"""moto's results handed on as boto3 would return them, without XML in between.

A call from inside the region (``region.direct``) asks for it by a list in its environment, which gets the
answer; the XML of a describe action is two thirds of what it costs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from botocore.utils import parse_timestamp
from moto.core.responses import ActionContext, ActionResult, BaseResponse
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model, get_value

from underpass.twin.api import patch
from underpass.twin.region.direct import PLAIN

_MISSING = object()


@patch.wrap(BaseResponse, "serialized")
def _serialized(original: Callable[..., Any], response: Any, action_result: ActionResult) -> Any:
    """Hand on a plain answer where one is asked for."""
    model = get_service_model(response.boto3_service_name)
    wanted = response.normalized_request.environ.get(PLAIN)
    if wanted is None or isinstance(action_result.result, Exception):
        return original(response, action_result)
    serializer = functools.partial(_Plain, wanted, model)
    operation = model.operation_model(response._get_action())  # noqa: SLF001  as moto's own does
    status, headers, body = action_result.execute_result(
        ActionContext(model, operation, serializer, response)
    )
    headers.update(response.response_headers)
    return status, headers, body


class _Plain:
    """In the place of moto's serializer: puts what botocore would have parsed into ``wanted``."""

    def __init__(
        self, wanted: list[Any], service: Any, operation_model: Any, value_picker: Any, **_: Any
    ) -> None:
        self._wanted = wanted
        self._operation = operation_model
        self._pick = value_picker
        # its own serializer for times: their precision differs between the protocols
        made = get_serializer_class(service.service_name, service.protocol)
        self._times = made(operation_model)._timestamp_serializer  # noqa: SLF001

    def serialize(self, result: Any) -> dict[str, Any]:
        """Convert ``result`` and return an answer without a body."""
        shape = self._operation.output_shape
        path = f"{self._operation.name}.{shape.name}" if shape else ""
        self._wanted.append((shape and self._structure(result, shape, path)) or {})
        return {"status_code": 200, "headers": {}, "body": ""}

    def _value(self, value: Any, shape: Any, path: str) -> Any:
        match shape.type_name:
            case "structure":
                return self._structure(value, shape, path)
            case "list":
                inner = f"{path}.{shape.member.name}"
                found = [self._value(one, shape.member, inner) for one in value]
                return [one for one in found if one not in (None, {})]
            case "map":
                return {
                    self._value(key, shape.key, path): self._value(one, shape.value, path)
                    for key, one in value.items()
                }
            case "timestamp":
                told: dict[str, Any] = {}
                self._times.serialize(told, value, shape, "time")
                return parse_timestamp(told["time"])
            case "blob":
                return value.encode() if isinstance(value, str) else bytes(value)
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
            case "boolean":
                return value is True or str(value).lower() == "true"
        return str(value)

    def _structure(self, value: Any, shape: Any, path: str) -> Any:
        if value is None:
            return None
        made = {}
        for name, member in shape.members.items():
            member.parent = shape  # moto's names of a member may begin with its parent's
            context = AttributePickerContext(
                value, name, member, self._operation, self._operation.service_model, path
            )
            found = self._pick(context)
            if found is None:
                continue
            plain = self._value(found, member, f"{path}.{name}")
            if plain == [] and member.serialization.get("flattened"):
                continue  # nothing stands for an empty one of these
            if plain is not None:
                made[name] = plain
        return made


@patch.replace(XFormedAttributePicker, "__call__")
def _pick(picker: Any, context: AttributePickerContext) -> Any:
    """Do as ``AttributePicker.__call__``, with the names to try kept beside the shape, by class."""
    obj = context.obj
    known = context.shape.__dict__.setdefault("_names_to_try", {})
    names = known.get(type(obj))
    if names is None:
        names = known[type(obj)] = tuple(dict.fromkeys(picker.get_possible_keys(context)))
    value = None
    for name in names:
        value = get_value(obj, name, _MISSING)
        if value is not _MISSING:
            break
    else:
        value = None
    transformers = picker.response_transformers
    for ending in _endings(context, transformers) if transformers else ():
        if f"{context.key_path}.{context.key}".endswith(ending):
            return transformers[ending](value)
    return value


def _endings(context: AttributePickerContext, transformers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which of the endings a path to this member may have."""
    known = context.shape.__dict__.setdefault("_endings", {})
    count = len(transformers)  # moto only ever adds some
    if count not in known:
        known[count] = tuple(
            one
            for one in transformers
            if one == context.key or one.endswith(f".{context.key}") or context.key.endswith(one)
        )
    found: tuple[str, ...] = known[count]
    return found
