"""Static files to the bucket: only what differs is uploaded, and what is gone is removed."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpass.errors import UnderpassError

# What we uploaded carries its digest. With a KMS key an ETag is not the MD5, and what others have put
# into the bucket must not be removed.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
_MARK = "underpass-md5"
_AT_ONCE = 8
_DELETED_AT_ONCE = 1000
_TYPES = {  # not in every system's table
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".avif": "image/avif",
    ".webp": "image/webp",
    ".map": "application/json",
}
_TEXT = ("text/", "application/json", "application/xml", "image/svg")
_HASHED = re.compile(r"[.-](?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}\.")
_UNWANTED = frozenset({".git", ".DS_Store", "Thumbs.db"})


@dataclass(frozen=True)
class Synced:
    """How many files were uploaded, were there already, and were removed."""

    uploaded: int
    unchanged: int
    removed: int

    def __str__(self) -> str:
        return f"{self.uploaded} uploaded, {self.unchanged} unchanged, {self.removed} removed"


def sync(s3: Any, bucket: str, source: Path) -> Synced:
    """Make the bucket hold the files of ``source``, under their paths within it.

    Objects that underpass did not upload stay, unless a file has their name.

    Raises
    ------
    UnderpassError
        When a file cannot be read, or is a link to somewhere outside the folder.
    """
    files = dict(_files(source))
    there = dict(_objects(s3, bucket))

    def bring(key: str) -> bool:
        body = _read(files[key])
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if key in there and (digest == there[key] or digest == _mark(s3, bucket, key)):
            return False
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ContentType=content_type(key),
            CacheControl=cache_control(key),
            Metadata={_MARK: digest},
        )
        return True

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        uploaded = sum(pool.map(bring, files))
        extra = [key for key in there if key not in files]
        ours = list(pool.map(lambda key: _mark(s3, bucket, key), extra))
    gone = [key for key, mark in zip(extra, ours, strict=True) if mark]
    _remove(s3, bucket, gone)
    return Synced(uploaded, len(files) - uploaded, len(gone))


def content_type(key: str) -> str:
    """Return the media type by a file's name, with a charset for text."""
    suffix = Path(key).suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith(_TEXT) else kind


def cache_control(key: str) -> str:
    """Return how long a file may be kept: for good if its name holds a digest of its content."""
    if _HASHED.search(Path(key).name):
        return "public, max-age=31536000, immutable"
    return "no-cache" if key.endswith((".html", ".htm")) else "public, max-age=300"


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    root = source.resolve()
    for path in sorted(source.rglob("*")):
        within = path.relative_to(source)
        if _UNWANTED.isdisjoint(within.parts) and path.is_file():
            if not path.resolve().is_relative_to(root):
                raise UnderpassError(
                    f"{path} is not uploaded",
                    "it is a link to a file outside the assets folder",
                    "copy the file, or leave it out",
                )
            yield within.as_posix(), path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnderpassError(f"{path} cannot be read", str(error.strerror)) from error


def _objects(s3: Any, bucket: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            yield found["Key"], found["ETag"].strip('"')


def _mark(s3: Any, bucket: str, key: str) -> str:
    return str(s3.head_object(Bucket=bucket, Key=key)["Metadata"].get(_MARK, ""))


def _remove(s3: Any, bucket: str, keys: list[str]) -> None:
    for start in range(0, len(keys), _DELETED_AT_ONCE):
        batch = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if errors := answer.get("Errors"):
            raise UnderpassError(
                f"{errors[0]['Key']} cannot be removed from {bucket}", errors[0]["Message"]
            )
