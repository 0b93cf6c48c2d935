"""A folder and a bucket, brought together again and again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underpass.deploy import assets
from underpass.deploy.assets import Synced
from underpass.errors import UnderpassError

BUCKET = "notes-assets"


@pytest.fixture
def s3(client: Callable[[str], Any]) -> Any:
    client("s3").create_bucket(Bucket=BUCKET)
    return client("s3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "style.css").write_text("body {}")
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "x").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    return tmp_path


def keys(s3: Any) -> set[str]:
    return {found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_files_get_their_path_type_and_cache_header(s3: Any, folder: Path) -> None:
    assert assets.sync(s3, BUCKET, folder) == Synced(3, 0, 0)
    assert keys(s3) == {"css/style.css", "index.html", ".well-known/x"}
    style = s3.head_object(Bucket=BUCKET, Key="css/style.css")
    assert style["ContentType"] == "text/css; charset=utf-8"
    assert style["CacheControl"] == "public, max-age=300"


def test_only_what_differs_is_uploaded(s3: Any, folder: Path) -> None:
    assets.sync(s3, BUCKET, folder)
    before = s3.head_object(Bucket=BUCKET, Key="css/style.css")["LastModified"]
    (folder / "index.html").write_text("<h1>")
    assert assets.sync(s3, BUCKET, folder) == Synced(1, 2, 0)
    assert s3.get_object(Bucket=BUCKET, Key="index.html")["Body"].read() == b"<h1>"
    assert s3.head_object(Bucket=BUCKET, Key="css/style.css")["LastModified"] == before


def test_an_etag_that_is_no_digest_uploads_nothing_again(
    s3: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets.sync(s3, BUCKET, folder)
    listed = list(assets._objects(s3, BUCKET))
    monkeypatch.setattr(assets, "_objects", lambda *_: [(key, "kms-etag") for key, _ in listed])
    assert assets.sync(s3, BUCKET, folder) == Synced(0, 3, 0)


def test_what_is_gone_is_removed_and_what_others_put_there_stays(s3: Any, folder: Path) -> None:
    assets.sync(s3, BUCKET, folder)
    s3.put_object(Bucket=BUCKET, Key="upload.jpg", Body=b"of a user")
    (folder / "index.html").unlink()
    assert assets.sync(s3, BUCKET, folder) == Synced(0, 2, 1)
    assert keys(s3) == {"css/style.css", ".well-known/x", "upload.jpg"}


def test_many_are_removed_a_thousand_at_a_time() -> None:
    class Counting:
        def __init__(self) -> None:
            self.batches: list[int] = []

        def delete_objects(self, Bucket: str, Delete: Any) -> Any:
            self.batches.append(len(Delete["Objects"]))
            return {}

    s3 = Counting()
    assets._remove(s3, BUCKET, [str(number) for number in range(2001)])
    assert s3.batches == [1000, 1000, 1]


def test_what_cannot_be_removed_is_told(s3: Any) -> None:
    class Refusing:
        def delete_objects(self, **_: Any) -> Any:
            return {"Errors": [{"Key": "a.css", "Message": "Access Denied"}]}

    with pytest.raises(UnderpassError, match=r"a\.css cannot be removed from .*: Access Denied"):
        assets._remove(Refusing(), BUCKET, ["a.css"])


def test_a_link_to_outside_is_refused_before_anything_is_uploaded(s3: Any, folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(UnderpassError, match="outside the assets folder"):
        assets.sync(s3, BUCKET, folder)
    assert keys(s3) == set()


@pytest.mark.parametrize(
    ("key", "kind", "cache"),
    [
        ("index.html", "text/html; charset=utf-8", "no-cache"),
        (
            "app.3f2a9c1b.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
        ("report-20240101.pdf", "application/pdf", "public, max-age=300"),
        ("deadbeef.png", "image/png", "public, max-age=300"),
        ("font.WOFF2", "font/woff2", "public, max-age=300"),
        ("logo.svg", "image/svg+xml; charset=utf-8", "public, max-age=300"),
        ("data", "application/octet-stream", "public, max-age=300"),
    ],
)
def test_types_and_cache_headers(key: str, kind: str, cache: str) -> None:
    assert assets.content_type(key) == kind
    assert assets.cache_control(key) == cache
