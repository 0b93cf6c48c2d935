"""A request's body, read whole before anybody holds the lock for it: a slow one costs its own thread only."""

from __future__ import annotations

import io

from underpass.twin.api.refusal import Environ, Refusal

MOST_BYTES = 5 << 30  # what S3 takes in one request
_READ = "underpass.body"


def take_body(environ: Environ) -> bytes:
    """Return the whole body, and leave it to be read again.

    Raises
    ------
    Refusal
        When it is not what the headers say, too large, or stays away.
    """
    if _READ in environ:
        taken: bytes = environ[_READ]
        return taken
    chunked = environ.get("wsgi.input_terminated")
    length = environ.get("CONTENT_LENGTH") or "0"
    most = MOST_BYTES + 1 if chunked else int(length) if length.isdecimal() else -1
    if not 0 <= most <= MOST_BYTES + 1:
        raise Refusal("body")
    try:
        body = _read(environ, most)
    except OSError as error:  # the time is over, the connection is, or a chunk is none
        raise Refusal("body") from error
    if (len(body) != most and not chunked) or len(body) > MOST_BYTES:
        raise Refusal("body")
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ |= {_READ: body, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    return body


def drain(environ: Environ) -> None:
    """Take a small body off the line, so that whoever sends it stays to read the answer."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if _READ not in environ and length.isdecimal():
        try:
            _read(environ, min(int(length), 1 << 20))
        except OSError:
            return


def _read(environ: Environ, most: int) -> bytes:
    parts, stream = [], environ["wsgi.input"]
    while most and (part := stream.read(min(most, 1 << 20))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)
