"""The request a custom resource's function gets, and the response it gives. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from underpass.twin.services.cloudformation.resource_type import (
    Physical,
    Properties,
    ProvisionError,
)

LONGEST_ANSWER = 4096  # bytes
_LONGEST_ID = 1024

Kind = Literal["Create", "Update", "Delete"]


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    resource_type
        As the template writes it: ``Custom::Something``.
    physical_id
        Of the resource that exists; empty for one that is to be created.
    old_properties
        Before an update; None for other requests.
    """

    kind: Kind
    id: str
    stack_id: str
    logical_id: str
    resource_type: str
    response_url: str
    properties: Properties
    physical_id: str = ""
    old_properties: Properties | None = None

    def document(self) -> dict[str, Any]:
        """Return it as the function gets it."""
        existing = {"PhysicalResourceId": self.physical_id} if self.physical_id else {}
        before = (
            {} if self.old_properties is None else {"OldResourceProperties": self.old_properties}
        )
        return {
            "RequestType": self.kind,
            "ServiceToken": self.properties["ServiceToken"],
            "ResponseURL": self.response_url,
            "StackId": self.stack_id,
            "RequestId": self.id,
            "LogicalResourceId": self.logical_id,
            **existing,
            "ResourceType": self.resource_type,
            "ResourceProperties": as_text(self.properties),
            **{name: as_text(value) for name, value in before.items()},
        }


def as_text(value: Any) -> Any:
    """Return properties as CloudFormation hands them on: every scalar is text."""
    if isinstance(value, Mapping):
        return {str(key): as_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(one) for one in value]
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True)
class Response:
    """What a function answered.

    Attributes
    ----------
    failed
        Why it failed; empty when it did not.
    physical_id
        Empty where a failure names none.
    """

    failed: str
    physical_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    no_echo: bool = False

    def physical(self) -> Physical:
        """Return the resource it says there is."""
        return Physical(self.physical_id, self.data, hidden=self.no_echo)


def read(body: bytes, request: Request) -> Response:
    """Return what a function answered to ``request``.

    Raises
    ------
    ProvisionError
        When it is not what CloudFormation takes for an answer.
    """
    if len(body) > LONGEST_ANSWER:
        raise ProvisionError(
            f"Response object is too long: {len(body)} bytes, of {LONGEST_ANSWER}{_of(request)}"
        )
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ProvisionError(f"Invalid response: it is no JSON object{_of(request)}")
    for name, wanted in (
        ("StackId", request.stack_id),
        ("RequestId", request.id),
        ("LogicalResourceId", request.logical_id),
    ):
        if said.get(name) != wanted:
            raise ProvisionError(f"Invalid response: {name} is not the request's{_of(request)}")
    return _response(said, request)


def _response(said: Mapping[str, Any], request: Request) -> Response:
    physical_id, data = said.get("PhysicalResourceId") or "", said.get("Data") or {}
    if not isinstance(physical_id, str) or len(physical_id.encode()) > _LONGEST_ID:
        raise ProvisionError(f"Invalid PhysicalResourceId{_of(request)}")
    if said.get("Status") == "FAILED":
        reason = said.get("Reason")
        if not reason:
            raise ProvisionError(f"Invalid response: FAILED needs a Reason{_of(request)}")
        return Response(
            "Received response status [FAILED] from custom resource. Message returned: "
            f"{reason}{_of(request)}",
            physical_id,
        )
    if said.get("Status") != "SUCCESS":
        raise ProvisionError(f"Invalid response: Status must be SUCCESS or FAILED{_of(request)}")
    if not physical_id:
        raise ProvisionError(f"Invalid PhysicalResourceId{_of(request)}")
    if not isinstance(data, dict):
        raise ProvisionError(f"Invalid response: Data must be an object{_of(request)}")
    return Response("", physical_id, data, no_echo=str(said.get("NoEcho")).lower() == "true")


def _of(request: Request) -> str:
    return f" (RequestId: {request.id})"


def unanswered(request: Request) -> str:
    """Return why a resource failed whose function did not answer in time."""
    return (
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs "
        f"for requestId [{request.id}]. If you are using the Python cfn-response module, you may need to "
        "update your Lambda function code so that CloudFormation can attach the updated version."
    )
