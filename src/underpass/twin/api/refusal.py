"""A request that is refused before moto sees it, told as AWS tells it in the caller's own protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

FORM = "application/x-www-form-urlencoded"
_SCOPE = re.compile(
    r"Credential=[^/%]+(?:/|%2F)\d{8}(?:/|%2F)[^/%]+(?:/|%2F)(?P<service>[^/%]+)(?:/|%2F)aws4_request",
    re.IGNORECASE,
)
_KEY = re.compile(r"(?:Credential|AWSAccessKeyId)=([^/%&]+)", re.IGNORECASE)
_NEXT = 'run `eval "$(underpass env)"` in this shell'

# What AWS says of one thing in each protocol: S3's, the query protocol's, JSON's, EC2's.
_CODES = {
    "refused": ("AccessDenied", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
    "denied": ("AccessDenied", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
    "unsigned": ("AccessDenied", *("MissingAuthenticationToken",) * 3),
    "unknown": (
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "AuthFailure",
    ),
    "token": ("InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"),
    "ended": ("ExpiredToken", "ExpiredToken", "ExpiredTokenException", "RequestExpired"),
    "mismatch": (
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
    ),
    "skewed": (
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "RequestExpired",
    ),
    "body": ("IncompleteBody", "IncompleteBody", "SerializationException", "IncompleteBody"),
}
_DENIED = {"sns": "AuthorizationError"}  # what says it in a word of its own
_WHY = {
    "unsigned": f"The request has no signature: {_NEXT}",
    "unknown": f"The access key is none of this twin's: {_NEXT}",
    "token": f"The session token does not belong to the access key: {_NEXT}",
    "ended": "The session of this access key has expired",
    "mismatch": f"The signature does not match: is it the secret of this twin's key? {_NEXT}",
    "skewed": "The request's time is more than 15 minutes off, or it has expired",
    "body": "The body is shorter or longer than was said, or did not come",
}


class Refusal(Exception):  # noqa: N818  it is an answer
    """Why a request is not answered.

    Parameters
    ----------
    kind
        What is wrong: one of ``refused``, ``denied``, ``unsigned``, ``unknown``, ``token``, ``ended``,
        ``mismatch``, ``skewed`` and ``body``.
    why
        In words; a kind other than ``refused`` and ``denied`` has its own.
    """

    def __init__(self, kind: str, why: str = "") -> None:
        super().__init__(why or _WHY[kind])
        self.kind = kind

    def answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request with this refusal."""
        s3, query, of_json, ec2 = _CODES[self.kind]
        if self.kind == "denied":
            query = _DENIED.get(service_of(environ), query)
        protocol, why = _protocol(environ), escape(str(self))
        status, kind = "400 Bad Request" if self.kind == "body" else "403 Forbidden", "text/xml"
        headers = []
        if protocol == "s3":
            text = f"<Error><Code>{s3}</Code><Message>{why}</Message></Error>"
        elif protocol == "query":
            error = (
                f"<Error><Type>Sender</Type><Code>{query}</Code><Message>{why}</Message></Error>"
            )
            text = f"<ErrorResponse>{error}</ErrorResponse>"
        elif protocol == "ec2":
            error = f"<Error><Code>{ec2}</Code><Message>{why}</Message></Error>"
            text = f"<Response><Errors>{error}</Errors></Response>"
        else:
            kind, text = "application/json", json.dumps({"__type": of_json, "message": str(self)})
            headers = [("x-amzn-ErrorType", of_json)]
            if (
                service_of(environ) == "sqs"
            ):  # it spoke the query protocol once, and keeps its words
                headers.append(("x-amzn-query-error", f"{query};Sender"))
        body = text.encode()
        length = ("Content-Length", str(len(body)))
        start_response(status, [("Content-Type", kind), length, *headers])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def service_of(environ: Environ) -> str:
    """Return the signing name of the service that is asked; S3 where the request does not say."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", ""))
    return scope["service"] if scope else "s3"


def access_key_of(environ: Environ) -> str:
    """Return the id of the key that signed; empty where nobody did."""
    found = _KEY.search(environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", ""))
    return found[1] if found else ""


def _protocol(environ: Environ) -> str:
    service = service_of(environ)
    asked = environ.get("CONTENT_TYPE", "").startswith(FORM)
    if environ.get("HTTP_X_AMZ_TARGET"):
        return "json"
    if asked or "Action=" in environ.get("QUERY_STRING", ""):
        return "ec2" if service == "ec2" else "query"
    if service in {"route53", "cloudfront"}:
        return "query"
    return "s3" if service == "s3" else "json"
