"""Static assets, from the private bucket: no browser reaches S3, so the application passes them on.

Each file is kept in memory and asked for again after a minute; S3 then says in a few bytes that it is the
same. When S3 does not answer, what is in memory is better than nothing.

The SDK's own credentials and signatures are used without its S3 client, which takes 20 MB of memory.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .settings import Settings

log = logging.getLogger("uvicorn.error")

_FRESH_S = 60.0
_TIMEOUT_S = 5
_KEY = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")
_NOT_MODIFIED, _OK = 304, 200
_GONE = {403, 404}  # S3 says "forbidden" of what is not there to those who may not list


class AssetsUnavailable(Exception):  # noqa: N818  it becomes a 503
    """S3 did not answer, and nothing is in memory."""


@dataclass(frozen=True)
class Asset:
    """A file of the bucket."""

    body: bytes
    etag: str
    type: str
    checked_at: float


class Assets:
    """The bucket's files. ``get`` blocks, and may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._region = settings.region
        self._base = (
            f"{settings.endpoint_url.rstrip('/')}/{settings.bucket}"
            if settings.endpoint_url
            else f"https://{settings.bucket}.s3.{settings.region}.amazonaws.com"
        )
        self._kept: dict[str, Asset] = {}
        self._lock = threading.Lock()
        self._session: Any = None

    def get(self, key: str) -> Asset | None:
        """Return a file; None when there is none.

        Raises
        ------
        AssetsUnavailable
            When it cannot be had now.
        """
        if not _KEY.fullmatch(key):
            return None
        kept = self._kept.get(key)
        if kept and time.monotonic() - kept.checked_at < _FRESH_S:
            return kept
        try:
            answer = self._ask(key, kept)
        except Exception as error:
            if kept:
                log.warning("S3 does not answer, using what is kept of %s: %s", key, error)
                return kept
            raise AssetsUnavailable(str(error)) from error
        if answer.status_code == _NOT_MODIFIED and kept:
            found = Asset(kept.body, kept.etag, kept.type, time.monotonic())
        elif answer.status_code == _OK:
            headers = answer.headers
            media_type = headers.get("content-type", "application/octet-stream")
            found = Asset(answer.content, headers.get("etag", ""), media_type, time.monotonic())
        elif answer.status_code in _GONE:
            self._kept.pop(key, None)
            return None
        else:
            raise AssetsUnavailable(f"S3 answered {answer.status_code} for {key}")
        self._kept[key] = found
        return found

    def _ask(self, key: str, kept: Asset | None) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        headers = {"If-None-Match": kept.etag} if kept else {}
        request = AWSRequest("GET", f"{self._base}/{quote(key)}", headers=headers)
        credentials, http = self._tools()
        S3SigV4Auth(credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)
        return http.send(request.prepare())

    def _tools(self) -> tuple[Any, Any]:
        """Return the task's credentials, which renew themselves, and an HTTP client; made when first used."""
        with self._lock:
            if self._session is None:
                import botocore.session
                from botocore.httpsession import URLLib3Session

                credentials = botocore.session.get_session().get_credentials()
                if credentials is None:
                    raise AssetsUnavailable("there are no AWS credentials")
                self._session = (credentials, URLLib3Session(timeout=_TIMEOUT_S))
            return self._session  # type: ignore[no-any-return]
