"""Calling an AWS action with CloudFormation properties, guided by botocore's model of the action.

CloudFormation writes ``ContainerDefinitions`` where ECS says ``containerDefinitions``, ``"8000"``
where an integer is meant, an object where IAM wants JSON text, and a list of tags where Lambda wants
a map. The service model knows what each action takes, so one function can bridge all of these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from underpass.twin.services.cloudformation.resource_type import ProvisionError

NOTHING: Mapping[str, Any] = {}
UNANSWERED = "The service failed to answer; the region's log has the reason"
IN_USE = frozenset(
    {
        "DeleteConflict",
        "DependencyViolation",
        "InvalidDBParameterGroupState",
        "InvalidDBSubnetGroupStateFault",
        "ResourceInUse",
        "ResourceInUseException",
    }
)


class RefusedError(ProvisionError):
    """The service refused a call; ``code`` is its error code."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{message} (Service: {service}, Operation: {operation}, Code: {code})")
        self.code = code

    @property
    def gone(self) -> bool:
        """The call named something that does not exist."""
        return any(word in self.code for word in ("NotFound", "NoSuch", "NonExistent"))

    @property
    def in_use(self) -> bool:
        """Something still depends on what was to be removed."""
        return self.code in IN_USE


def call(
    client: Any, operation: str, properties: Mapping[str, Any] = NOTHING, /, **named: Any
) -> Any:
    """Call ``operation`` with those ``properties`` it takes, and with everything ``named``.

    Names match whatever their case. What is named wins over a property, and ``None`` leaves a
    parameter out.

    Raises
    ------
    RefusedError
        When the service refuses the call, or part of what a batch action was asked.
    ProvisionError
        When a value does not fit the action: a key it does not know, or text where it wants a number.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    service = client.meta.service_model.service_id
    action = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(action).input_shape
    members = taken_by(client, operation)
    taken = {
        members[key.lower()]: value for key, value in properties.items() if key.lower() in members
    }
    taken |= {members.get(key.lower(), key): value for key, value in named.items()}
    arguments = fit({k: v for k, v in taken.items() if v is not None}, shape, "") if taken else {}
    try:
        answer = getattr(client, operation)(**arguments)
    except ClientError as error:
        raise _refused(service, action, error.response["Error"]) from error
    except ResponseParserError as error:
        raise RefusedError(service, action, "InternalFailure", UNANSWERED) from error
    except BotoCoreError as error:
        raise ProvisionError(f"{error} (Service: {service}, Operation: {action})") from error
    for failed in answer.get("Unsuccessful") or ():
        raise _refused(service, action, failed["Error"])
    return answer


def taken_by(client: Any, operation: str) -> dict[str, str]:
    """Return the names of the parameters ``operation`` takes, by their name in lower case."""
    action = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(action).input_shape
    return {} if shape is None else {name.lower(): name for name in shape.members}


def _refused(service: str, action: str, error: Mapping[str, Any]) -> RefusedError:
    message = str(error.get("Message", "no reason given"))
    if message.startswith("<"):  # a page of HTML: an action moto lacks, or a fault in it
        message = UNANSWERED
    return RefusedError(service, action, str(error.get("Code", "")), message)


def fit(value: Any, shape: Any, path: str) -> Any:
    """Return ``value`` with the names and types that ``shape``, a botocore shape, asks for."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(value, shape, path)
    if kind == "list":
        items = value if isinstance(value, list | tuple) else [value]
        return [fit(item, shape.member, f"{path}/{i}") for i, item in enumerate(items)]
    if kind == "map":
        pairs = value if isinstance(value, Mapping) else {tag["Key"]: tag["Value"] for tag in value}
        return {str(k): fit(v, shape.value, f"{path}/{k}") for k, v in pairs.items()}
    try:
        return _scalar(value, kind)
    except (KeyError, TypeError, ValueError):
        raise ProvisionError(f"{path}: {value!r} is not of type {kind}") from None


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ProvisionError(f"{path}: expected an object, found {value!r}")
    members = {name.lower(): name for name in shape.members}
    fitted = {}
    for key, inner in value.items():
        name = members.get(key.lower())
        if name is None:
            raise ProvisionError(f"#{path}: extraneous key [{key}] is not permitted")
        fitted[name] = fit(inner, shape.members[name], f"{path}/{key}")
    return fitted


def _scalar(value: Any, kind: str) -> Any:
    if kind == "boolean":
        return truth(value)
    if kind in {"integer", "long"}:
        return int(value)
    if kind in {"float", "double"}:
        return float(value)
    if kind == "string":
        return text(value)
    if kind == "blob" and isinstance(value, str):
        return value.encode()
    return value


def truth(value: Any) -> bool:
    """Return a boolean that a template may also write as text.

    Raises
    ------
    KeyError
        When it is neither.
    """
    return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]


def text(value: Any) -> str:
    """Return ``value`` as AWS writes it where text is asked for: JSON for objects, ``true`` for True."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)
