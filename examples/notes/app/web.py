"""The pages: lists, forms, and what they lead to. They work without JavaScript, but for attaching files."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from . import pages
from .api import discard, note_of
from .attachments import TooLarge
from .notes import Draft, Invalid, Note
from .parts import Missing, Parts

_LARGEST_FORM = 1_000_000


async def index(request: Request) -> Response:
    """Show the newest note, or what was found by the words of ``q``."""
    parts, words = Parts.of(request), request.query_params.get("q", "")
    newest = [] if words else (await parts.notes.find())[:1]
    if not newest:
        return await _page(request, pages.overview)
    attached = await parts.attachments.of(newest[0].id)
    return await _page(request, lambda view: pages.note(view, newest[0], attached), newest[0])


async def show(request: Request) -> Response:
    """Show a note."""
    note = await note_of(request)
    attached = await Parts.of(request).attachments.of(note.id)
    return await _page(request, lambda view: pages.note(view, note, attached), note)


async def new(request: Request) -> Response:
    """Show the form for a new note."""
    return await _page(request, lambda view: pages.form(view, None, Draft("", "")))


async def add(request: Request) -> Response:
    """Keep a new note, or show the form again with what is wrong."""
    sent = await _sent(request)
    try:
        note = await Parts.of(request).notes.add(Draft.of(sent))
    except Invalid as error:
        return await _refused(request, None, sent, error)
    return RedirectResponse(f"/notes/{note.id}", 303)


async def edit(request: Request) -> Response:
    """Show the form for a note."""
    note = await note_of(request)
    draft = Draft(note.title, note.body)
    return await _page(request, lambda view: pages.form(view, note, draft), note)


async def change(request: Request) -> Response:
    """Change a note, or show the form again with what is wrong."""
    note, sent = await note_of(request), await _sent(request)
    try:
        changed = await Parts.of(request).notes.change(note.id, Draft.of(sent))
    except Invalid as error:
        return await _refused(request, note, sent, error)
    if changed is None:
        raise Missing("there is no such note")
    return RedirectResponse(f"/notes/{note.id}", 303)


async def remove(request: Request) -> Response:
    """Delete a note."""
    await discard(request)
    return RedirectResponse("/", 303)


async def asset(request: Request) -> Response:
    """Pass on a static file from the bucket."""
    found = await run_in_threadpool(Parts.of(request).assets.get, request.path_params["key"])
    if found is None:
        raise Missing("there is no such file")
    headers = {"ETag": found.etag, "Cache-Control": "public, max-age=300"}
    if found.etag and request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.type, headers=headers)


async def _page(
    request: Request, render: pages.Render, note: Note | None = None, status: int = 200
) -> Response:
    parts, words = Parts.of(request), request.query_params.get("q", "")
    found = await parts.notes.find(words)
    view = pages.View(parts.place, found, words, note.id if note else None)
    return HTMLResponse(render(view), status, {"Cache-Control": "no-store"})


async def _refused(
    request: Request, note: Note | None, sent: dict[str, str], error: Invalid
) -> Response:
    draft = Draft(sent.get("title", ""), sent.get("body", ""))
    return await _page(request, lambda view: pages.form(view, note, draft, str(error)), note, 400)


async def _sent(request: Request) -> dict[str, str]:
    """Return the fields of a form."""
    if int(request.headers.get("content-length") or 0) > _LARGEST_FORM:
        raise TooLarge
    try:
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    except ValueError as error:
        raise Invalid("this is not a form") from error


routes = [
    Route("/", index),
    Route("/notes", add, methods=["POST"]),
    Route("/notes/new", new),
    Route("/notes/{note_id:int}", show),
    Route("/notes/{note_id:int}", change, methods=["POST"]),
    Route("/notes/{note_id:int}/edit", edit),
    Route("/notes/{note_id:int}/delete", remove, methods=["POST"]),
    Route("/static/{key:path}", asset),
]
