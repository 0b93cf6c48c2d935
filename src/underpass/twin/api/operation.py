"""Which operation of which service a request asks for, and with what: moto's own routers and parsers.

The same parts of moto answer most requests, so that what is asked and what is answered are one thing.
"""

from __future__ import annotations

import functools
import gzip
import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from underpass.twin.api.one_meaning import says_one_thing
from underpass.twin.api.refusal import Environ, service_of

# The services whose folder in botocore is not called as they sign, or that share their signing name: the
# first whose description has the request.
_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "access-analyzer": ("accessanalyzer",),
    "airflow": ("mwaa",),
    "aoss": ("opensearchserverless",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "bedrock": ("bedrock", "bedrock-agent", "bedrock-runtime"),
    "cloudcontrolapi": ("cloudcontrol",),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2",),
    "elasticmapreduce": ("emr",),
    "es": ("es", "opensearch"),
    "geo": ("location",),
    "iotdata": ("iot-data",),
    "kinesisanalytics": ("kinesisanalytics", "kinesisanalyticsv2"),
    "mediastore": ("mediastore", "mediastore-data"),
    "mobiletargeting": ("pinpoint",),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime", "sagemaker-metrics"),
    "servicequotas": ("service-quotas",),
    "sso": ("sso-admin",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
    "timestream": ("timestream-write", "timestream-query"),
}
_REGION = re.compile(r"Credential=[^/%]+(?:/|%2F)\d{8}(?:/|%2F)([^/%]+)(?:/|%2F)", re.IGNORECASE)
_BODY_OF_S3 = frozenset({"CreateBucket", "DeleteObjects", "PutBucketTagging"})


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
        Those of the operation. S3's bodies are left alone, but for keys that are deleted and a bucket's tags;
        SQS's have ``AccountId`` and ``QueueName`` when a queue's own URL was called.
    region
        The region the request was signed for; empty where it does not say.
    """

    service: str
    name: str
    parameters: Mapping[str, Any]
    region: str


def operation(environ: Environ, body: bytes) -> Operation | None:
    """Return what a request asks for.

    ``None`` when that is no operation that is known, cannot be read, or can be read in two ways.
    """
    service = service_of(environ)
    if service != "s3" and environ.get("HTTP_CONTENT_ENCODING") == "gzip":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return None
    request = _request(environ, b"" if service == "s3" else body)
    found = _match(service, request)
    if found is None or not says_one_thing(*found[:2], request, found[2]):
        return None
    model, protocol, places = found
    # S3's bodies are objects, as a rule.
    needed = body if model.service_model.service_name != "s3" or model.name in _BODY_OF_S3 else b""
    parameters = _parameters(model, protocol, request, places, needed)
    if parameters is None:
        return None
    region = _REGION.search(
        environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", "")
    )
    return Operation(service, model.name, parameters, region[1] if region else "")


def _request(environ: Environ, body: bytes) -> Any:
    from moto.core.request import Request

    given = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    given.pop("HTTP_TRANSFER_ENCODING", None)
    return Request(given)


def _match(service: str, request: Any) -> tuple[Any, str, Mapping[str, str]] | None:
    """Return the operation's description, how it is asked for, and what the path names."""
    from moto.core.request import determine_request_protocol
    from werkzeug.exceptions import NotFound

    for folder in _folders(service, request):
        router = _router(folder)
        try:
            if router is not None:
                model, places = router.match(request)
                protocol = determine_request_protocol(model.service_model, request.content_type)
                return model, protocol, places
        except (NotFound, NotImplementedError):
            continue
    return None


def _folders(service: str, request: Any) -> tuple[str, ...]:
    """Return whose descriptions a request may follow; who signs alike is told apart as moto does."""
    path, target = request.environ.get("PATH_INFO", ""), request.headers.get("X-Amz-Target", "")
    match service:
        case "dynamodb" if target.startswith("DynamoDBStreams"):
            return ("dynamodbstreams",)
        case "elasticloadbalancing" if request.values.get("Version") == "2012-06-01":
            return ("elb",)
        case "ses" if path.startswith("/v2/"):
            return ("sesv2",)
        case "s3" if path.startswith("/v20180820/") or "s3-control" in request.host:
            return ("s3control",)
    return _FOLDERS.get(service, (service,))


@functools.cache
def _router(folder: str) -> Any:
    """Return moto's router for a service, ``None`` when botocore does not know it."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.routing import get_service_router

    try:
        return get_service_router(folder)
    except UnknownServiceError:
        return None


def _parameters(
    model: Any, protocol: str, request: Any, places: Mapping[str, str], body: bytes
) -> dict[str, Any] | None:
    from moto.core.parse import PROTOCOL_PARSERS, RequestParserError

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
        return None
    return {**parsed} if protocol.startswith("rest") else {**places, **parsed}
