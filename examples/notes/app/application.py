"""The application put together: its parts, its routes, and what every response carries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api, pages, place, web
from .assets import Assets, AssetsUnavailable
from .attachments import LARGEST_BYTES, Attachments, TooLarge
from .database import Database, Unavailable
from .notes import Invalid, Notes
from .parts import Missing, Parts
from .settings import Settings

log = logging.getLogger("uvicorn.error")

Handler = Callable[[Request, Exception], Awaitable[Response]]

_HEALTH_TIMEOUT_S = 2.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def build(settings: Settings) -> ASGIApp:
    """Return the application; nothing is connected before it is used."""

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        here = await run_in_threadpool(place.ask, settings.metadata_url)
        log.info("notes run as task %s in %s", here.task, here.zone)
        database = Database(settings)
        application.state.parts = Parts(
            here, database, Notes(database), Attachments(settings.files), Assets(settings)
        )
        yield
        await database.close()

    application = Starlette(
        routes=[Route("/healthz", healthz), *api.routes, *web.routes],
        lifespan=lifespan,
        exception_handlers={
            Invalid: _explain(400),
            Missing: _explain(404),
            TooLarge: _explain(413, f"an attachment has up to {LARGEST_BYTES // 2**20} MiB"),
            Unavailable: _explain(503, "the database does not answer; try again in a moment"),
            AssetsUnavailable: _explain(503, "the static files cannot be had now"),
            psycopg.Error: _explain(500, "the database refused; the log says why"),
            HTTPException: _http,
        },
    )
    return Signed(application)


async def healthz(request: Request) -> Response:
    """Answer 200 when notes can be read, and 503 when they cannot."""
    check = asyncio.ensure_future(Parts.of(request).notes.check())
    done, _ = await asyncio.wait({check}, timeout=_HEALTH_TIMEOUT_S)
    error = check.exception() if done else TimeoutError(f"no answer within {_HEALTH_TIMEOUT_S:g} s")
    if error is None:
        return JSONResponse({"status": "ok"})
    check.add_done_callback(lambda late: late.cancelled() or late.exception())
    log.warning("not healthy: %s", error)
    return JSONResponse({"status": "unavailable", "database": str(error)}, 503)


class Signed:
    """Signs every response with the task and the zone, and turns away what other sites' pages send."""

    def __init__(self, application: Starlette) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def sign(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                here = self._application.state.parts.place
                for name, value in {**_HEADERS, "X-Task": here.task, "X-Zone": here.zone}.items():
                    headers.setdefault(name, value)
            await send(message)

        # Browsers say where a request comes from; other clients do not.
        site = Request(scope).headers.get("sec-fetch-site", "none")
        if scope["method"] in _UNSAFE and site not in {"same-origin", "none"}:
            refusal = JSONResponse({"error": "this came from another site's page"}, 403)
            await refusal(scope, receive, sign)
            return
        await self._application(scope, receive, sign)


def _explain(status: int, message: str = "") -> Handler:
    """Return a handler that answers an exception with a status and a reason."""

    async def handle(request: Request, error: Exception) -> Response:
        if status >= 500:
            log.error("%s %s: %s", request.method, request.url.path, error)
        return _failed(request, status, message or str(error))

    return handle


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _failed(request, error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


def _failed(request: Request, status: int, message: str) -> Response:
    if request.url.path.startswith(("/api/", "/static/")):
        return JSONResponse({"error": message}, status)
    here = Parts.of(request).place
    return Response(pages.failure(here, status, message), status, media_type="text/html")
