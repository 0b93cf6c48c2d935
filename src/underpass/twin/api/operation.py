"""Which operation of which service a request asks for, and with what: moto's own routers and parsers.

The same parts of moto answer most requests, so that what is asked and what is answered are one thing.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.twin.api.refusal import Environ, service_of

# The services whose folder in botocore is not called as they sign.
_FOLDERS = {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
}
_REGION = re.compile(r"Credential=[^/%]+(?:/|%2F)\d{8}(?:/|%2F)([^/%]+)(?:/|%2F)", re.IGNORECASE)
_BODY_OF_S3 = frozenset(
    {"DeleteObjects"}
)  # the rest of S3 says in path, query and headers what it asks for
_FORM_MOST = 1 << 20


@dataclass(frozen=True)
class Operation:
    """What a request asks for.

    Attributes
    ----------
    service
        The signing name, such as ``monitoring``.
    name
        As botocore has it, such as ``GetObject``.
    parameters
        Those of the operation; none of them when they cannot be read. S3's bodies are left alone, but for the
        keys of DeleteObjects; SQS's have ``AccountId`` and ``QueueName`` when a queue's own URL was called.
    region
        The region the request was signed for; empty where it does not say.
    """

    service: str
    name: str
    parameters: Mapping[str, Any]
    region: str


def operation(environ: Environ, body: bytes) -> Operation | None:
    """Return what a request asks for, ``None`` when it is no operation that is known."""
    from moto.core.request import Request
    from werkzeug.exceptions import NotFound

    service = service_of(environ)
    router = _router(_folder(service, environ, body))
    if router is None:
        return None
    read = b"" if service == "s3" else body
    given = {**environ, "wsgi.input": io.BytesIO(read), "CONTENT_LENGTH": str(len(read))}
    given.pop("HTTP_TRANSFER_ENCODING", None)
    request = Request(given)
    try:
        model, places = router.match(request)
    except (NotFound, NotImplementedError):
        return None
    if request.args.get("Action", model.name) != model.name:
        return None  # moto would do what the query says
    needed = body if service != "s3" or model.name in _BODY_OF_S3 else b""
    parameters = _parameters(model, request, places, needed)
    region = _REGION.search(
        environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", "")
    )
    return Operation(service, model.name, parameters, region[1] if region else "")


def _folder(service: str, environ: Environ, body: bytes) -> str:
    """Return whose description a request follows, where several services sign alike."""
    if service == "dynamodb" and environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if service == "elasticloadbalancing" and b"Version=2012-06-01" in body[:_FORM_MOST]:
        return "elb"
    if service == "ses" and environ.get("PATH_INFO", "").startswith("/v2/"):
        return "sesv2"
    if service == "s3" and environ.get("PATH_INFO", "").startswith("/v20180820/"):
        return "s3control"
    return _FOLDERS.get(service, service)


@functools.cache
def _router(folder: str) -> Any:
    """Return moto's router for a service, ``None`` when botocore does not know it."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.routing import get_service_router

    try:
        return get_service_router(folder)
    except UnknownServiceError:
        return None


def _parameters(model: Any, request: Any, places: Mapping[str, str], body: bytes) -> dict[str, Any]:
    from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
    from moto.core.request import determine_request_protocol

    protocol = determine_request_protocol(model.service_model, request.content_type)
    told = {
        "method": request.method,
        "values": request.values,
        "headers": request.headers,
        "body": body,
        "url_path": request.path,
        "url_params": places,
    }
    try:
        parsed = PROTOCOL_PARSERS[protocol](model).parse(told)
    except (RequestParserError, ValueError, TypeError, AttributeError, KeyError):
        return {}  # moto will say what is wrong with it
    return {**parsed} if protocol.startswith("rest") else {**places, **parsed}
