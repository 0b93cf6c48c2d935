"""Which of moto's services answers a request: moto's own dispatcher, without a detour for most.

A service that has one handler for everything, as most have, needs no routing: Flask stands only before the
others, such as S3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import moto.backends
import moto.core.responses
from botocore.exceptions import ClientError, UnknownServiceError
from moto.core.base_backend import BackendDict
from moto.core.responses import BaseResponse
from moto.core.routing import get_service_router
from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from underpass.twin.api import patch

Handler = Callable[[Any, str, Any], Any]


class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]
    """moto's application for all services."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        _method_names.cache_clear()  # what moto can do may have been changed since another was made
        self.get_backend_for_host = functools.cache(super().get_backend_for_host)
        self._handler = functools.cache(_only_handler)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        handler = None
        if environ.get("HTTP_AUTHORIZATION"):
            host = self.infer_service_region_host(environ, environ.get("PATH_INFO", ""))
            handler = self._handler(self.get_backend_for_host(host)) if host else None
        if handler is None:
            answered: Iterable[bytes] = super().__call__(environ, start_response)
            return answered
        answer: Iterable[bytes] = _answer(handler, environ)(environ, start_response)
        return answer


def _answer(handler: Handler, environ: dict[str, Any]) -> Response:
    request = BackendRequest(environ)
    try:
        status, headers, body = handler(request, request.raw_url, dict(request.headers))
    except ClientError as error:
        status, headers, body = 400, {}, error.response["Error"]["Message"]
    except HTTPException as error:
        return error.get_response(environ)
    except NotImplementedError as error:
        if request.path == "/":
            raise
        status, headers, body = 404, {}, str(error)
    return Response(response=body, status=status, headers=headers)


def _only_handler(service: str | None) -> Handler | None:
    """Return what answers every request to a service, where that is one thing."""
    if service is None or service not in moto.backends.list_of_moto_modules():
        return None
    backends = moto.backends.get_backend(service)
    if not isinstance(backends, BackendDict):
        return None
    of_account = backends[moto.core.DEFAULT_ACCOUNT_ID]
    paths = of_account["us-east-1" if "us-east-1" in of_account else "aws"]._url_module.url_paths  # noqa: SLF001
    handlers: set[Handler] = set(paths.values())
    return handlers.pop() if len(handlers) == 1 else None


@patch.replace(Rule, "_compile_builder")
def _build_nothing(_rule: Any, _append_unknown: bool = True) -> Callable[..., None]:  # noqa: FBT001, FBT002
    """Leave out what would build URLs from rules: nobody asks for it, and it is most of what a rule costs."""
    return lambda *_: None


# What moto would find out anew at every request


@patch.wrap(moto.core.responses, "method_names_from_class")
@functools.cache
def _method_names(original: Callable[[type], list[str]], cls: type) -> list[str]:
    return original(cls)


@patch.wrap(moto.backends, "list_of_moto_modules")
@functools.cache
def _modules(original: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    return tuple(original())


# What is done is what was asked for, as ``operation`` reads it, wherever else a request names something


@patch.wrap(BaseResponse, "setup_class")
def _set_up(original: Callable[..., None], response: Any, request: Any, *more: Any) -> None:
    """Take no body of JSON and no header for a form: moto does when it finds no other, and prefers it."""
    original(response, request, *more)
    if not request.form and not response.parsed_url.query:
        response.querystring = response.data = {}


@patch.wrap(BaseResponse, "_get_action")
def _asked_for(original: Callable[[Any], str], response: Any) -> str:
    """Return the action that the request's own protocol names; S3 has a way of its own."""
    service, request = response.boto3_service_name, response.normalized_request
    if not service or service == "s3":
        return original(response)
    known = vars(response).get("twin_asked_for")
    if known is None or known[0] is not request:
        known = response.twin_asked_for = (request, *_routed(service, request))
    _, name, places = known
    if places:
        response.uri_match = places
    return str(name) if name else original(response)


def _routed(service: str, request: Any) -> tuple[str | None, dict[str, Any]]:
    try:
        model, places = get_service_router(service).match(request)
    except (NotFound, NotImplementedError, UnknownServiceError):
        return None, {}
    return model.name, places if model.service_model.protocol.startswith("rest") else {}


@patch.wrap(BaseResponse, "_get_param")
def _parameter(
    original: Callable[..., Any], response: Any, name: str, *more: Any, **named: Any
) -> Any:
    """Return what the path names, before anything of that name in query or body."""
    if name in response.uri_match and not response.automated_parameter_parsing:
        return response.uri_match[name]
    return original(response, name, *more, **named)


@patch.wrap(BaseResponse, "get_region_from_url")
def _signed_for(original: Callable[..., str], response: Any, request: Any, full_url: str) -> str:
    """Return the region of the signature, whatever the host or the client's name say."""
    scope = request.headers.get("Authorization", "").split(",")[0].split("/")
    return str(scope[2]) if len(scope) == 5 and scope[2] else original(response, request, full_url)
