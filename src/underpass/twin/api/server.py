"""The region's API server: moto behind one WSGI application, on as many sockets as it is given.

Every call that may have changed something publishes its service on the change feed, so that controllers look
again. moto keeps its state in plain dictionaries, so its calls run one at a time, each with its body read
before; what calls back into the API from inside (CloudFormation, a function's invocation) runs outside that
lock.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from underpass.twin.api import elsewhere, patch
from underpass.twin.api.body import take_body
from underpass.twin.api.refusal import FORM, Environ, Refusal, StartResponse, service_of
from underpass.twin.region.reconcile import ChangeFeed
from underpass.twin.region.records import records
from underpass.twin.region.topics import Topic
from underpass.twin.region.worker import Worker

log = logging.getLogger(__name__)

# The first calls back into the API. Workflows are polled, delivery streams ask their destinations; these
# share no records with what the twin runs.
_UNLOCKED = {"cloudformation", "firehose", "states", "swf"}
_SILENT_S = 60  # how long a connection may say nothing while something is expected of it

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Lookup|Search|Validate|Head|Simulate|Filter)")


class Api:
    """The WSGI application in front of moto.

    Parameters
    ----------
    feed
        Where changes are published, by the service's signing name.
    application
        The application that answers: moto's dispatcher.
    authorize
        Raises a ``Refusal`` for what who asks may not do; by default everybody may do everything.
    """

    def __init__(
        self,
        feed: ChangeFeed,
        application: Callable[[Environ, StartResponse], Iterable[bytes]],
        authorize: Callable[[Environ, bytes], None] = lambda *_: None,
    ) -> None:
        self._feed = feed
        self._application = application
        self._authorize = authorize

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        try:
            body = _admitted(environ)
            self._authorize(environ, body)
            service, action = _call(environ, body)
            reads = _READS.match(action)
            if not reads:
                elsewhere.check(environ, service)
        except Refusal as refusal:
            return refusal.answer(environ, start_response)
        _take_for_an_object(environ, service)
        status: list[str] = []

        def start(line: str, headers: Any, exc_info: Any = None) -> Any:
            status.append(line)
            return start_response(line, headers, exc_info)

        invoked = service == "lambda" and path.endswith("/invocations")
        if service in _UNLOCKED or invoked:
            return self._application(environ, start)
        with records():
            answer = list(self._application(environ, start))
        if not reads and status and status[-1][:1] in "23":
            self._feed.publish(Topic(service))
        return answer


def _admitted(environ: Environ) -> bytes:
    """Return a request's body; moto answers every web page, and is reset by everybody, which nobody needs."""
    if environ.get("HTTP_ORIGIN") or environ.get("PATH_INFO", "").startswith("/moto-api"):
        raise Refusal("refused", "The twin's API does not answer web pages, and is not reset")
    return take_body(environ)


def _call(environ: Environ, body: bytes) -> tuple[str, str]:
    """Return (signing name, action); for REST services the action is "Get" or the method."""
    service = service_of(environ)
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return service, target.rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith(FORM):
        return service, parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    method = environ.get("REQUEST_METHOD", "GET")
    reads = "Get" if method in {"GET", "HEAD"} else method
    return service, parse_qs(environ.get("QUERY_STRING", "")).get("Action", [reads])[0]


def _take_for_an_object(environ: Environ, service: str) -> None:
    """Have what is put to S3 as a form, as Python's urllib says of any body, stay as it is."""
    form = environ.get("CONTENT_TYPE", "").startswith(FORM)
    if form and service == "s3" and environ.get("REQUEST_METHOD") == "PUT":
        environ["CONTENT_TYPE"] = "binary/octet-stream"


def moto_application() -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """Return moto's application for all services; imports moto."""
    from underpass.twin.api import dispatch, plain

    patch.apply(dispatch, plain)
    return dispatch.Dispatcher()


class Listener:
    """Serves an application on one socket that is already bound, in a thread of its own."""

    def __init__(self, application: Any, bound: socket.socket) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        class Handler(MotoRequestHandler):  # type: ignore[misc]
            timeout = _SILENT_S

            def log_request(self, *_: Any, **__: Any) -> None:
                """Keep quiet: a line per call would be the log's bulk."""

        host, port = bound.getsockname()[:2]
        bound.listen(128)
        self._server = make_server(
            host, port, application, threaded=True, request_handler=Handler, fd=bound.detach()
        )
        self._server.daemon_threads = True
        self._worker = Worker(f"api-{host}:{port}", self._server.handle_request)

    def start(self) -> Listener:
        """Start answering."""
        self._worker.start()
        return self
