"""Who signed a request, and whether the signature is right: botocore's own signers, run the other way.

Signature version 4 in a header or a presigned URL, and version 2 in a presigned URL of S3, which boto3 still
makes in older regions such as us-east-1. A body that comes in signed chunks is taken on its first signature.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from botocore.auth import HmacV1QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials as Signer

from underpass.twin.api.body import take_body
from underpass.twin.api.refusal import Environ, Refusal

_V4 = "AWS4-HMAC-SHA256"
_SKEW = timedelta(minutes=15)
_LONGEST_S = 7 * 24 * 3600
_WORD = re.compile(
    r"[A-Za-z0-9_.-]+"
)  # of a scope: what stands otherwise is read otherwise elsewhere
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, repr=False)
class Key:
    """What belongs to an access key; a session's has a token and an end."""

    secret: str
    token: str | None = None
    ends: datetime | None = None


@dataclass(frozen=True)
class Signed:
    """What a request says of its own signature; ``date`` and ``expires_s`` as they are written."""

    access_key_id: str
    signature: str
    token: str | None
    service: str = "s3"
    region: str = ""
    headers: tuple[str, ...] | None = None  # None: version 2
    date: str = ""
    expires: str | None = None  # None: in a header, not presigned

    @property
    def presigned(self) -> bool:
        """Whether the signature is in the URL."""
        return self.expires is not None


def signed(environ: Environ) -> Signed:
    """Return what a request says of its signature.

    Raises
    ------
    Refusal
        When it has none, or one of a kind that is not known.
    """
    header = environ.get("HTTP_AUTHORIZATION", "")
    if header:
        algorithm, _, rest = header.partition(" ")
        said = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        said |= {"Date": environ.get("HTTP_X_AMZ_DATE", "")}
        said |= {"Security-Token": environ.get("HTTP_X_AMZ_SECURITY_TOKEN")}
    else:
        query = dict(_query(environ))
        if "AWSAccessKeyId" in query:
            return Signed(
                access_key_id=query["AWSAccessKeyId"],
                signature=query.get("Signature", ""),
                token=query.get("x-amz-security-token"),
                expires=query.get("Expires", ""),
            )
        algorithm = query.get("X-Amz-Algorithm", "")
        said = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
    if not algorithm:
        raise Refusal("unsigned")
    scope = said.get("Credential", "").rsplit("/", 4)
    plain = len(scope) == 5 and all(_WORD.fullmatch(part) for part in scope)
    if algorithm != _V4 or not plain or not said.get("SignedHeaders"):
        raise Refusal("refused", f"The twin knows {_V4} only, with a key of its own")
    return Signed(
        access_key_id=scope[0],
        signature=said.get("Signature", ""),
        token=said.get("Security-Token"),
        region=scope[2],
        service=scope[3],
        headers=tuple(said["SignedHeaders"].lower().split(";")),
        date=said.get("Date", ""),
        expires=None if header else said.get("Expires", ""),
    )


def verify(one: Signed, environ: Environ, key: Key) -> None:
    """Check a request's time, token, body and signature; reads the body.

    Raises
    ------
    Refusal
        When one of them is wrong.
    """
    now = datetime.now(UTC)
    if (one.token or None) != key.token:
        raise Refusal("token")
    if key.ends and now > key.ends:
        raise Refusal("ended")
    start, end = _span(one)
    if not start <= now <= end:
        raise Refusal("skewed")
    right = _version_2(one, environ, key) if one.headers is None else _version_4(one, environ, key)
    if not hmac.compare_digest(right.encode(), one.signature.encode()):
        raise Refusal("mismatch")


def carry(one: Signed, environ: Environ) -> None:
    """Have a request say once, in the header, who was found to sign it and for what.

    Whoever reads it from here on reads what was verified: a header may hold two credentials, a query others.
    """
    date, region = one.date[:8] or "20000101", one.region or "us-east-1"  # version 2 says neither
    scope = f"{one.access_key_id}/{date}/{region}/{one.service}/aws4_request"
    environ["HTTP_AUTHORIZATION"] = (
        f"{_V4} Credential={scope}, SignedHeaders=host, Signature=verified"
    )


def _span(one: Signed) -> tuple[datetime, datetime]:
    """Return from when to when a signature is good."""
    try:
        if one.headers is None:
            end = datetime.fromtimestamp(int(one.expires or ""), UTC)
            return datetime.min.replace(tzinfo=UTC), end
        begun = datetime.strptime(one.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lasts_s = int(one.expires) if one.expires is not None else _SKEW.total_seconds()
        span = begun - _SKEW, begun + timedelta(seconds=lasts_s)
    except (ValueError, OverflowError, OSError) as error:
        raise Refusal("skewed") from error
    if not 0 < lasts_s <= _LONGEST_S:
        raise Refusal("skewed")
    return span


def _version_4(one: Signed, environ: Environ, key: Key) -> str:
    names = one.headers or ()
    if "host" not in names:
        raise Refusal("mismatch")
    told = {variable for variable in environ if variable.startswith("HTTP_X_AMZ_")}
    if one.service == "s3" and told - {_variable(name) for name in names}:
        raise Refusal("refused", "There were headers present in the request which were not signed")
    query = [pair for pair in _query(environ) if pair[0] != "X-Amz-Signature"]
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://host{_target(environ)[0]}",
        params=query,
        headers=_headers(environ, names),
    )
    request.context["timestamp"] = one.date
    auth = _Again(one, key, _payload(one, environ, dict(query)))
    canonical = auth.canonical_request(request)
    return str(auth.signature(auth.string_to_sign(request, canonical), request))


class _Again(SigV4Auth):  # type: ignore[misc]
    """Signs what was signed, with the headers the caller chose and the hash it gave."""

    def __init__(self, one: Signed, key: Key, payload: str) -> None:
        super().__init__(Signer(one.access_key_id, key.secret), one.service, one.region)
        self._payload = payload

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def payload(self, _: Any) -> str:
        return self._payload

    def _normalize_url_path(self, path: str) -> str:
        if self._service_name == "s3":
            return quote(unquote(path), safe="/~")
        return str(super()._normalize_url_path(path))

    def signature(self, string_to_sign: str, request: Any) -> Any:
        date = request.context["timestamp"][:8]
        key = _signing_key(self.credentials.secret_key, date, self._region_name, self._service_name)
        return self._sign(key, string_to_sign, hex=True)


@lru_cache(maxsize=256)
def _signing_key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in (*scope, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def _payload(one: Signed, environ: Environ, query: Mapping[str, str]) -> str:
    """Return the body's hash as it was signed; one that is not the body's is refused."""
    body = take_body(environ)
    said = environ.get("HTTP_X_AMZ_CONTENT_SHA256") or query.get("X-Amz-Content-Sha256")
    if said and not _SHA256.fullmatch(said):
        return said  # UNSIGNED-PAYLOAD, or STREAMING-...: chunks that moto takes apart
    if not said and one.presigned and one.service == "s3":
        return "UNSIGNED-PAYLOAD"
    right = hashlib.sha256(body).hexdigest()
    if said and said != right:
        raise Refusal("mismatch")
    return right


def _version_2(one: Signed, environ: Environ, key: Key) -> str:
    take_body(environ)
    path, query = _target(environ)
    auth = HmacV1QueryAuth(Signer(one.access_key_id, key.secret))
    auth._get_date = lambda: one.expires  # noqa: SLF001  the time that was signed, not today's
    told = [name for name in environ if name.startswith("HTTP_X_AMZ_")]
    names = (name.removeprefix("HTTP_").replace("_", "-").lower() for name in told)
    headers = _headers(environ, ("content-md5", "content-type", *names))
    if key.token and "x-amz-security-token" not in headers:
        headers["x-amz-security-token"] = key.token
    bucket = virtual_bucket(environ)
    resource = f"/{bucket}{path}" if bucket else None
    split = urlsplit(f"http://host/?{query}")._replace(path=path)
    text = auth.canonical_string(environ["REQUEST_METHOD"], split, headers, auth_path=resource)
    return str(auth.sign_string(text))


def virtual_bucket(environ: Environ) -> str | None:
    """Return the bucket that a host such as ``bucket.s3.localhost:4566`` names."""
    name, dot, rest = environ.get("HTTP_HOST", "").partition(".")
    return name if dot and rest.partition(":")[0].endswith("localhost") else None


def _target(environ: Environ) -> tuple[str, str]:
    """Return path and query as they came on the request's line."""
    raw = environ.get("RAW_URI")
    if raw is None:
        return quote(environ.get("PATH_INFO", "/"), safe="/~"), environ.get("QUERY_STRING", "")
    path, _, query = raw.partition("?")
    return path if path.startswith("/") else urlsplit(path).path or "/", query


def _query(environ: Environ) -> list[tuple[str, str]]:
    pairs = [pair.partition("=") for pair in _target(environ)[1].split("&") if pair]
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _variable(name: str) -> str:
    """Return under which name WSGI keeps a header."""
    plain = name in {"content-type", "content-length"}
    return ("" if plain else "HTTP_") + name.upper().replace("-", "_")


def _headers(environ: Environ, names: Iterable[str]) -> Any:
    """Return the headers of these names, as the caller wrote them."""
    headers = HTTPHeaders()
    for name in names:
        value = environ.get(_variable(name))
        if value is not None:
            headers[name] = value.encode("latin-1").decode(errors="replace")
    return headers


KeyOf = Callable[[str], Key | None]
"""(an access key's id): the key, or None for one that is not known."""
