"""Custom resources: types of a template's own, carried out by a Lambda function of the region."""

from __future__ import annotations

import copy
import json
import logging
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Self

from underpass.twin.region.topics import Topic
from underpass.twin.services.cloudformation.custom import answers
from underpass.twin.services.cloudformation.custom.documents import (
    Kind,
    Request,
    Response,
    read,
    unanswered,
)
from underpass.twin.services.cloudformation.resource import Resource
from underpass.twin.services.cloudformation.resource_type import (
    CUSTOM,
    Form,
    LeftBehindError,
    LogicalResource,
    Physical,
    Properties,
    ProvisionError,
)

log = logging.getLogger(__name__)

LONGEST_S = 3600  # how long CloudFormation waits where a template does not say


class CdkMetadata(Resource):
    """What CDK tells AWS of its versions: there is nothing behind it, in AWS neither."""

    form = Form(type="AWS::CDK::Metadata", service="cloudformation", honoured="", inert="Analytics")

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Delete nothing."""


class CustomResource(Resource):
    """What a function makes, changes and deletes.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
    """

    form = Form(
        type=CUSTOM,
        service="lambda",
        honoured="ServiceTimeout ServiceToken",
        replaces="ServiceToken",
    )
    may_replace = True
    _of: tuple[LogicalResource, str]

    def of(self, logical: LogicalResource, type_: str) -> Self:
        """Return the type for one resource: its function is told which."""
        one = copy.copy(self)
        one._of = (logical, type_)  # noqa: SLF001
        return one

    def ignored(self, given: Iterable[str]) -> list[str]:
        """Return none: properties are the function's affair."""
        return []

    def problems(self, properties: Properties) -> Iterator[str]:
        """Yield what is wrong with the properties that CloudFormation itself reads."""
        token, timeout = properties.get("ServiceToken"), properties.get("ServiceTimeout", LONGEST_S)
        if token is None:
            yield "ServiceToken is missing: it takes the ARN of a Lambda function"
        elif isinstance(token, str):
            yield from self._token_problems(token)
        if isinstance(timeout, str | int | float) and _seconds(timeout) is None:
            yield f"ServiceTimeout {timeout} is not from 1 to {LONGEST_S} (seconds)"

    def _token_problems(self, token: str) -> Iterator[str]:
        service, region = ([*token.split(":"), "", "", "", ""])[2:4]
        if service == "sns":
            yield (
                f"ServiceToken {token}: custom resources by way of SNS topics do not work on the twin: "
                "give the ARN of a Lambda function"
            )
        elif service != "lambda" or region != self.region.name:
            yield f"ServiceToken {token} is not the ARN of a Lambda function in {self.region.name}"

    def check_change(self, old: Properties, new: Properties) -> None:
        """Refuse another function, as CloudFormation does."""
        if old.get("ServiceToken") != new.get("ServiceToken"):
            raise ProvisionError("Modifying service token is not allowed.")

    def create(self, logical: LogicalResource, properties: Properties) -> Physical:
        """Have the function make the resource; one that failed is deleted by the rollback."""
        return self._ask("Create", properties, Physical(logical.generated_name()))

    def update(
        self, logical: LogicalResource, physical: Physical, old: Properties, new: Properties
    ) -> Physical:
        """Have the function change the resource; another physical id in its answer is another resource."""
        return self._ask("Update", new, physical, old)

    def delete(self, physical: Physical, properties: Properties) -> None:
        """Have the function delete the resource."""
        self._ask("Delete", properties, physical)

    def _ask(
        self, kind: Kind, properties: Properties, physical: Physical, old: Properties | None = None
    ) -> Physical:
        logical, type_ = self._of
        request_id, region = str(uuid.uuid4()), self.region.name
        key = f"{logical.stack_id}|{logical.logical_id}|{request_id}"
        answers.expect(region)
        request = Request(
            kind=kind,
            id=request_id,
            stack_id=logical.stack_id,
            logical_id=logical.logical_id,
            resource_type=type_,
            response_url=answers.url(region, key),
            properties=properties,
            physical_id="" if kind == "Create" else physical.id,
            old_properties=old,
        )
        problems = list(self.problems(properties))
        if problems:
            raise ProvisionError("; ".join(problems))
        self._send(request)
        try:
            response = self._answer(request, key)
        except ProvisionError as error:
            raise LeftBehindError(str(error), physical) from error
        if response.failed:
            left = Physical(response.physical_id or physical.id)
            raise LeftBehindError(response.failed, left)
        return response.physical()

    def _send(self, request: Request) -> None:
        """Invoke the function asynchronously: what it answers there, or that it fails, is of no account."""
        timeout_s = _seconds(request.properties.get("ServiceTimeout", LONGEST_S))
        log.info(
            "%s %s: %s sent as request %s; the stack waits %s s for an answer, also for a function that "
            "fails without one",
            request.resource_type,
            request.logical_id,
            request.kind,
            request.id,
            timeout_s,
        )
        self.call(
            "invoke",
            FunctionName=request.properties["ServiceToken"],
            InvocationType="Event",
            Payload=json.dumps(request.document()).encode(),
        )

    def _answer(self, request: Request, key: str) -> Response:
        timeout_s = _seconds(request.properties.get("ServiceTimeout", LONGEST_S)) or LONGEST_S
        try:
            body = self.region.feed.wait(
                lambda: answers.take(self.region.name, key),
                timeout_s=timeout_s,
                what=unanswered(request),
                topics={Topic.OTHER},  # S3's among them
                recheck_s=60.0,
            )
        except TimeoutError as late:
            log.warning("%s %s: %s", request.resource_type, request.logical_id, late)
            raise ProvisionError(str(late)) from late
        return read(body, request)


def _seconds(timeout: Any) -> int | None:
    """Return a ``ServiceTimeout`` in seconds; None when it is none."""
    try:
        seconds = int(timeout)
    except ValueError:
        return None
    return seconds if 1 <= seconds <= LONGEST_S else None
