"""The region's API server: moto behind one WSGI application, on as many sockets as it is given.

Every call that may have changed something publishes its service on the hub, so that controllers look
again. moto keeps its state in plain dictionaries, so its calls run one at a time; what calls back into
the API from inside (CloudFormation, a function's invocation) runs outside that lock.
"""

from __future__ import annotations

import io
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from underpass.twin.region.reconcile import ChangeFeed

log = logging.getLogger(__name__)

StartResponse = Callable[..., Any]
Environ = dict[str, Any]

_READS = re.compile(r"^(Describe|Get|List|BatchGet|Lookup|Search|Validate|Head|Simulate|Filter)")
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_FORM = "application/x-www-form-urlencoded"


class Api:
    """The WSGI application in front of moto.

    Parameters
    ----------
    hub
        Where changes are published, by the service's signing name.
    application
        The application that answers: moto's dispatcher.
    """

    def __init__(
        self, feed: ChangeFeed, application: Callable[[Environ, StartResponse], Iterable[bytes]]
    ) -> None:
        self._feed = feed
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("HTTP_ORIGIN"):
            # moto allows every origin; a page in the user's browser has no business here.
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"the twin's API does not answer web pages\n"]
        service, action = _request(environ)
        status: list[str] = []

        def start(line: str, headers: Any, exc_info: Any = None) -> Any:
            status.append(line)
            return start_response(line, headers, exc_info)

        if service == "cloudformation" or environ.get("PATH_INFO", "").endswith("/invocations"):
            return self._application(environ, start)
        with self._lock:
            body = list(self._application(environ, start))
        if not _READS.match(action) and status and status[-1][:1] in "23":
            self._feed.publish(service)
        return body


def _request(environ: Environ) -> tuple[str, str]:
    """Return (signing name, action); for REST services the action is "Get" or the method."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", "") or environ.get("QUERY_STRING", ""))
    service = scope["service"] if scope else "s3"
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return service, target.rpartition(".")[2]
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return service, parse_qs(body.decode()).get("Action", [""])[0]
    method = environ.get("REQUEST_METHOD", "GET")
    return service, "Get" if method in {"GET", "HEAD"} else method


def moto_application() -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """Return moto's application for all services; imports moto."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    return DomainDispatcherApplication(create_backend_app)  # type: ignore[no-any-return]


class Listener:
    """Serves an application on one socket that is already bound, in a thread of its own."""

    def __init__(self, application: Any, bound: socket.socket) -> None:
        from moto.moto_server.werkzeug_app import MotoRequestHandler
        from werkzeug.serving import make_server

        class Handler(MotoRequestHandler):  # type: ignore[misc]
            def log_request(self, *_: Any, **__: Any) -> None:
                """Keep quiet: a line per call would be the log's bulk."""

        host, port = bound.getsockname()[:2]
        bound.listen(128)
        self._server = make_server(
            host, port, application, threaded=True, request_handler=Handler, fd=bound.detach()
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 3600},
            daemon=True,
            name=f"api-{host}:{port}",
        )

    def start(self) -> Listener:
        """Start answering."""
        self._thread.start()
        return self
