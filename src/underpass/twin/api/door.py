"""The API's door on the host's port: who is let in, before anything is read or changed.

Every program of the machine and every page in the user's browser reaches that port, so it lets in only what
is signed with a key of the twin's own, or of its IAM's or STS's. What a browser sends across sites stays out,
but for one thing: a presigned request to S3 that the bucket's CORS rules allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from underpass.twin.api import cors
from underpass.twin.api.body import drain
from underpass.twin.api.refusal import Environ, Refusal, StartResponse
from underpass.twin.api.signature import (
    Key,
    KeyOf,
    Signed,
    carry,
    signed,
    verify,
    virtual_bucket,
)
from underpass.twin.region.credentials import Credentials

Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

# A name that leads here and is none of these was made to: a page can point its own name at 127.0.0.1.
_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9-]+\.)*localhost)(:\d+)?", re.IGNORECASE)
_WITHIN = {"", "none", "same-origin"}


class Door:
    """The WSGI application in front of the API on the host's port.

    Parameters
    ----------
    application
        What answers whoever is let in.
    own
        The twin's key.
    issued
        Finds the other keys.
    rules
        Finds a bucket's CORS rules.
    """

    def __init__(
        self,
        application: Application,
        own: Credentials,
        issued: KeyOf,
        rules: Callable[[str], Sequence[cors.Rule]] = cors.rules,
    ) -> None:
        self._application = application
        self._own = own
        self._issued = issued
        self._rules = rules

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            if environ["REQUEST_METHOD"] == "OPTIONS":
                return self._preflight(environ, start_response)
            headers = self._admit(environ)
        except Refusal as refusal:
            drain(environ)
            return refusal.answer(environ, start_response)

        def start(status: str, told: Headers, exc_info: Any = None) -> Any:
            # moto allows every origin everything
            kept = [one for one in told if not one[0].lower().startswith("access-control-")]
            return start_response(status, kept + headers, exc_info)

        return self._application(environ, start)

    def _admit(self, environ: Environ) -> Headers:
        """Let a request in, and return the headers of its answer; raises a ``Refusal`` otherwise."""
        _address(environ)
        one = None if _origin(environ) is None else signed(environ)
        headers = self._across(environ, one) if one else []
        # The registry's own requests will carry a token of get-authorization-token instead.
        one = one or signed(environ)
        if "Action" in parse_qs(environ.get("QUERY_STRING", "")) and not one.presigned:
            raise Refusal("refused", "An action is taken from the body of a POST")
        verify(one, environ, self._key(one))
        environ.pop("HTTP_ORIGIN", None)
        carry(one, environ)
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)  # the key says whose account it is
        return headers

    def _key(self, one: Signed) -> Key:
        if one.access_key_id == self._own.access_key_id:
            return Key(self._own.secret_access_key)
        key = self._issued(one.access_key_id)
        if key is None:
            raise Refusal("unknown")
        return key

    def _across(self, environ: Environ, one: Signed) -> Headers:
        """Return the headers for a page of another origin that may send this."""
        headers = self._allowed(environ, environ["REQUEST_METHOD"])
        if headers is None or not one.presigned or one.service != "s3":
            raise Refusal("refused", "The twin's API does not answer web pages")
        return headers

    def _preflight(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        _address(environ)
        presigned = signed(environ)
        asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").replace(" ", "")
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
        headers = self._allowed(environ, method, [name for name in asked.split(",") if name])
        if headers is None or not presigned.presigned or presigned.service != "s3":
            raise Refusal("refused", "This CORS request is not allowed")
        start_response("200 OK", [("Content-Length", "0"), *headers])
        return []

    def _allowed(self, environ: Environ, method: str, asked: Sequence[str] = ()) -> Headers | None:
        path = environ.get("PATH_INFO", "").lstrip("/")
        bucket = virtual_bucket(environ) or path.partition("/")[0]
        return cors.allowed(self._rules(bucket), _origin(environ) or "", method, asked)


def _address(environ: Environ) -> None:
    """Refuse what was sent to another name, or to what moto has for its own tests."""
    if not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
        raise Refusal(
            "refused", "This is the API of an underpass twin, at 127.0.0.1 and localhost only"
        )
    if environ.get("PATH_INFO", "").startswith("/moto-api"):
        raise Refusal("refused", "The twin's records cannot be reset from outside")


def _origin(environ: Environ) -> str | None:
    """Return the origin of a page that sends across sites, empty where it is not told; None: no such page."""
    origin = environ.get("HTTP_ORIGIN", "")
    if environ.get("HTTP_SEC_FETCH_SITE", "") in _WITHIN and origin in {
        "",
        f"http://{environ.get('HTTP_HOST')}",
    }:
        return None
    page = urlsplit(environ.get("HTTP_REFERER", ""))
    return origin or (f"{page.scheme}://{page.netloc}" if page.netloc else "")
