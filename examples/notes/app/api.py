"""The JSON API: notes and their attachments."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from .attachments import LARGEST_BYTES, Attachment, TooLarge
from .notes import Draft, Invalid, Note
from .parts import Missing, Parts

_LARGEST_JSON = 1_000_000


async def list_notes(request: Request) -> Response:
    """Answer with the notes that hold all words of ``q``."""
    found = await Parts.of(request).notes.find(request.query_params.get("q", ""))
    return JSONResponse({"notes": [note.to_json() for note in found]})


async def add_note(request: Request) -> Response:
    """Keep a note."""
    note = await Parts.of(request).notes.add(Draft.of(await _sent(request)))
    location = request.url_for("api_note", note_id=note.id).path
    return JSONResponse(note.to_json(), 201, {"Location": location})


async def get_note(request: Request) -> Response:
    """Answer with a note and what is attached to it."""
    return await _answer(request, await note_of(request))


async def change_note(request: Request) -> Response:
    """Change a note."""
    draft = Draft.of(await _sent(request))
    note = await Parts.of(request).notes.change(request.path_params["note_id"], draft)
    if note is None:
        raise Missing("there is no such note")
    return await _answer(request, note)


async def remove_note(request: Request) -> Response:
    """Delete a note and its attachments."""
    await discard(request)
    return Response(status_code=204)


async def get_attachment(request: Request) -> Response:
    """Answer with a file: shown if it is a picture, else saved."""
    found = await _attachment(request)
    return FileResponse(
        found.path,
        media_type=found.type if found.is_image else "application/octet-stream",
        filename=found.name,
        content_disposition_type="inline" if found.is_image else "attachment",
        headers={"Content-Security-Policy": "sandbox", "Cache-Control": "private, no-cache"},
    )


async def put_attachment(request: Request) -> Response:
    """Attach the body of the request as a file."""
    note = await note_of(request)
    if int(request.headers.get("content-length") or 0) > LARGEST_BYTES:
        raise TooLarge
    attachments = Parts.of(request).attachments
    saved = await attachments.save(note.id, request.path_params["name"], request.stream())
    return JSONResponse(saved.to_json(), 201)


async def remove_attachment(request: Request) -> Response:
    """Delete a file."""
    found = await _attachment(request)
    await Parts.of(request).attachments.remove(request.path_params["note_id"], found.name)
    return Response(status_code=204)


async def whoami(request: Request) -> Response:
    """Answer which task this is, and where."""
    place = Parts.of(request).place
    answer = {"task": place.task, "zone": place.zone}
    answer |= {"cluster": place.cluster, "revision": place.revision}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def note_of(request: Request) -> Note:
    """Return the note a request names, or raise ``Missing``."""
    note = await Parts.of(request).notes.get(request.path_params["note_id"])
    if note is None:
        raise Missing("there is no such note")
    return note


async def discard(request: Request) -> None:
    """Delete the note a request names, and its files."""
    parts, note_id = Parts.of(request), request.path_params["note_id"]
    if not await parts.notes.remove(note_id):
        raise Missing("there is no such note")
    await parts.attachments.remove_all(note_id)


async def _attachment(request: Request) -> Attachment:
    note_id, name = request.path_params["note_id"], request.path_params["name"]
    found = await Parts.of(request).attachments.get(note_id, name)
    if found is None:
        raise Missing("there is no such attachment")
    return found


async def _answer(request: Request, note: Note) -> Response:
    attached = await Parts.of(request).attachments.of(note.id)
    return JSONResponse({**note.to_json(), "attachments": [one.to_json() for one in attached]})


async def _sent(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent, or raise ``Invalid``."""
    if int(request.headers.get("content-length") or 0) > _LARGEST_JSON:
        raise TooLarge
    try:
        sent = await request.json()
    except ValueError as error:
        raise Invalid(f"this is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise Invalid("this is not a JSON object")
    return sent


_NOTE = "/api/notes/{note_id:int}"
_FILE = _NOTE + "/attachments/{name}"

routes = [
    Route("/api/whoami", whoami),
    Route("/api/notes", list_notes),
    Route("/api/notes", add_note, methods=["POST"]),
    Route(_NOTE, get_note, name="api_note"),
    Route(_NOTE, change_note, methods=["PUT"]),
    Route(_NOTE, remove_note, methods=["DELETE"]),
    Route(_FILE, get_attachment, name="attachment"),
    Route(_FILE, put_attachment, methods=["PUT"]),
    Route(_FILE, remove_attachment, methods=["DELETE"]),
]
