"""boto3 calls answered by an application in the same process: no socket, no signature, no HTTP."""

from __future__ import annotations

import io
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

log = logging.getLogger(__name__)

KEY = "direct"
"""What such a call is signed with: the id of a key that nobody outside this process can sign with."""
PLAIN = "underpass.plain"
"""In the environment: a list that gets the answer, if it can be had without being written and parsed."""
_UNANSWERED = "The service failed to answer; the region's log has the reason"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Raw(io.BytesIO):
    """An answer's body, as botocore reads it from a connection."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def connect(
    client: Any, application: Application, calls: Counter[tuple[str, str]], account: str = ""
) -> None:
    """Have every call of a boto3 client answered by a WSGI application, in the thread that calls.

    Parameters
    ----------
    calls
        Counts them by (name of the thread, action).
    account
        Whose administrator calls; moto's own account where that is not said.
    """
    from botocore.awsrequest import AWSResponse
    from botocore.endpoint import convert_to_response_dict
    from botocore.parsers import create_parser

    service = client.meta.service_model
    parser = create_parser(service.resolved_protocol)
    scope = f"{KEY}/20000101/{client.meta.region_name}/{service.signing_name}/aws4_request"
    authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"

    def answer(model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, Any]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        calls[threading.current_thread().name, f"{service.service_name}.{model.name}"] += 1
        environ = _environ(params, authorization)
        if account:
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        plain = environ[PLAIN] = [] if service.resolved_protocol in {"ec2", "query"} else None

        def start(line: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            begun.append((line, headers))

        try:
            body = b"".join(application(environ, start))
        except Exception:
            log.exception("%s.%s failed", service.service_name, model.name)
            error = {"Code": "InternalFailure", "Message": _UNANSWERED}
            return AWSResponse(params["url"], 500, {}, _Raw()), {"Error": error, **_metadata(500)}
        line, headers = begun[-1]
        http = AWSResponse(params["url"], int(line[:3]), dict(headers), _Raw(body))
        if plain:
            return http, plain[0] | _metadata(http.status_code)
        found = convert_to_response_dict(http, model)
        return http, parser.parse(found, model.output_shape)

    client.meta.events.register_last("before-call", answer)


def _metadata(status: int) -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}}


def _environ(params: dict[str, Any], authorization: str) -> dict[str, Any]:
    """Return the WSGI environment of what botocore would send."""
    url = urlsplit(params["url"])
    body = params["body"]
    headers = params["headers"]
    if isinstance(body, dict):
        body = urlencode(body, doseq=True)
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        headers.setdefault("Content-Type", kind)
    if hasattr(body, "read"):
        body = body.read()
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    target = url.path + (f"?{url.query}" if url.query else "")
    environ = {
        "REQUEST_METHOD": params["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "CONTENT_LENGTH": str(len(data)),
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "HTTP_AUTHORIZATION": authorization,
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = text
    return environ
