"""Notes, through the pages and the API, with everything they need running for real."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

SERVED_BY = {"x-task": "4f2ab17c9d0e4b7f8a6c5d4e3f2a1b0c", "x-zone": "us-east-1b"}
EVIL = "<script>alert('&\")</script>"


def add(http: httpx.Client, title: str = "a note", body: str = "") -> int:
    made = http.post("/api/notes", json={"title": title, "body": body})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/notes/{made.json()['id']}"
    return int(made.json()["id"])


def titles(http: httpx.Client, **query: str) -> list[str]:
    return [note["title"] for note in http.get("/api/notes", params=query).json()["notes"]]


def test_seed_is_there_and_the_newest_is_shown(http: httpx.Client) -> None:
    page = http.get("/")
    assert page.status_code == 200
    assert "<h1>How this page reached you</h1>" in page.text
    assert "Restore drill" in titles(http)


@pytest.mark.parametrize(
    "path", ["/", "/notes/1", "/api/whoami", "/healthz", "/nowhere", "/static/logo.svg"]
)
def test_every_response_says_who_served_it(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert {name: answer.headers[name] for name in SERVED_BY} == SERVED_BY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_whoami_and_the_page_name_task_and_zone(http: httpx.Client) -> None:
    whoami = http.get("/api/whoami").json()
    assert whoami == {
        "task": SERVED_BY["x-task"],
        "zone": "us-east-1b",
        "cluster": "notes",
        "revision": "notes:7",
    }
    page = http.get("/").text
    assert ">4f2ab17c</b>" in page
    assert "us-east-1b" in page


def test_api_keeps_changes_and_deletes_a_note(http: httpx.Client) -> None:
    note = add(http, "  Title ", "one\r\ntwo\n")
    kept = http.get(f"/api/notes/{note}").json()
    assert (kept["title"], kept["body"], kept["attachments"]) == ("Title", "one\ntwo", [])
    changed = http.put(f"/api/notes/{note}", json={"title": "Other", "body": "three"})
    assert changed.json()["body"] == "three"
    assert changed.json()["updated_at"] >= kept["updated_at"]
    assert titles(http)[0] == "Other"
    assert http.delete(f"/api/notes/{note}").status_code == 204
    for gone in (
        http.get(f"/api/notes/{note}"),
        http.put(f"/api/notes/{note}", json={"title": "x"}),
        http.delete(f"/api/notes/{note}"),
        http.get(f"/notes/{note}"),
    ):
        assert gone.status_code == 404


def test_pages_work_without_javascript(http: httpx.Client) -> None:
    made = http.post("/notes", data={"title": "By form é", "body": "first\r\n\r\n- a\r\n- b"})
    assert made.status_code == 303
    where = made.headers["location"]
    page = http.get(where).text
    assert "<h1>By form é</h1>" in page
    assert "<p>first</p><ul><li>a</li><li>b</li></ul>" in page
    form = http.get(f"{where}/edit").text
    assert 'value="By form é"' in form
    assert http.post(where, data={"title": "Changed", "body": ""}).headers["location"] == where
    assert "<h1>Changed</h1>" in http.get(where).text
    gone = http.post(f"{where}/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, "/")
    assert http.get(where).status_code == 404


def test_wrong_form_is_shown_again_with_what_was_written(http: httpx.Client) -> None:
    refused = http.post("/notes", data={"title": " ", "body": "a long text"})
    assert refused.status_code == 400
    assert "a note needs a title" in refused.text
    assert "a long text</textarea>" in refused.text


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"json": {"title": "", "body": "x"}}, "a note needs a title"),
        ({"json": {"title": "x" * 201}}, "up to 200"),
        ({"json": {"title": "x", "body": "x" * 100_001}}, "up to 100000"),
        ({"json": {"title": 7}}, "must be text"),
        ({"json": {"title": "a\0b"}}, "NUL"),
        ({"json": ["x"]}, "not a JSON object"),
        ({"content": b"{"}, "not JSON"),
    ],
)
def test_api_says_what_is_wrong(http: httpx.Client, sent: dict[str, Any], says: str) -> None:
    refused = http.post("/api/notes", **sent)
    assert refused.status_code == 400
    assert says in refused.json()["error"]


def test_unknown_paths_and_methods(http: httpx.Client) -> None:
    assert http.get("/api/nothing").json() == {"error": "Not Found"}
    assert "Back to the notes" in http.get("/nothing").text
    refused = http.patch("/api/whoami")
    assert refused.status_code == 405
    assert http.get("/api/notes/99999999999999999999").status_code == 404


def test_nothing_a_user_writes_becomes_html(http: httpx.Client) -> None:
    note = add(http, EVIL, f"{EVIL}\n\n- {EVIL}\n\nhttp://x.example/{EVIL}")
    name = "a(b)'c.txt"
    assert http.put(f"/api/notes/{note}/attachments/{name}", content=b"x").status_code == 400
    for path in (f"/notes/{note}", f"/notes/{note}/edit", "/", f"/?q={EVIL}"):
        page = http.get(path).text
        assert "<script>alert" not in page
        assert "<script>alert" in unescape(page)
        assert set(re.findall(r"<script\b[^>]*>", page)) == {
            '<script src="/static/notes.js" defer>'
        }
    http.delete(f"/api/notes/{note}")


def test_links_lead_out_and_only_web_links(http: httpx.Client) -> None:
    note = add(http, "links", "see https://a.example/b?c=1&d=2. or javascript:alert(1)")
    page = http.get(f"/notes/{note}").text
    assert '<a href="https://a.example/b?c=1&amp;d=2" rel="noreferrer">' in page
    assert 'href="javascript' not in page
    http.delete(f"/api/notes/{note}")


def test_search_finds_all_words_literally(http: httpx.Client) -> None:
    notes = [add(http, "Alpha 100%", "beta_gamma"), add(http, "Alpha", "beta gamma \\ delta")]
    assert titles(http, q="alpha BETA") == ["Alpha", "Alpha 100%"]
    assert titles(http, q="100%") == ["Alpha 100%"]
    assert titles(http, q="beta_gamma") == ["Alpha 100%"]
    assert titles(http, q="\\") == ["Alpha"]
    assert titles(http, q="'; drop table notes; --") == []
    assert "No note holds “zzz”" in http.get("/", params={"q": "zzz"}).text
    for note in notes:
        http.delete(f"/api/notes/{note}")


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 4096])
def test_attachment_comes_back_as_it_was(http: httpx.Client, files: Path, content: bytes) -> None:
    note = add(http)
    url = f"/api/notes/{note}/attachments/Größe (1).bin"
    saved = http.put(url, content=content)
    assert saved.status_code == 201
    assert saved.json()["size"] == len(content)
    found = http.get(url)
    assert found.content == content
    assert found.headers["content-disposition"].startswith("attachment;")
    assert [one["name"] for one in http.get(f"/api/notes/{note}").json()["attachments"]] == [
        "Größe (1).bin"
    ]
    assert "Größe (1).bin" in http.get(f"/notes/{note}").text
    assert http.put(url, content=b"again").json()["size"] == 5
    assert http.delete(url).status_code == 204
    assert http.get(url).status_code == http.delete(url).status_code == 404
    http.put(url, content=content)
    http.delete(f"/api/notes/{note}")
    assert list(files.iterdir()) == []


def test_only_pictures_are_shown_in_the_browser(http: httpx.Client, files: Path) -> None:
    note = add(http)
    for name, kind, how in (
        ("a.png", "image/png", "inline"),
        ("a.svg", "application/octet-stream", "attachment"),
        ("a.html", "application/octet-stream", "attachment"),
    ):
        url = f"/api/notes/{note}/attachments/{name}"
        http.put(url, content=b"<svg onload=alert(1)>")
        found = http.get(url)
        assert found.headers["content-type"] == kind
        assert found.headers["content-disposition"].startswith(how)
        assert found.headers["content-security-policy"] == "sandbox"
    http.delete(f"/api/notes/{note}")


@pytest.mark.parametrize(
    "name",
    [".hidden", "..", "a%2Fb", "..%2F..%2Fetc", "a%00b", "a;b", "x" * 101, "a ", "%22", "-rf"],
)
def test_names_that_no_file_may_have(http: httpx.Client, files: Path, name: str) -> None:
    note = add(http)
    request = http.build_request("PUT", "/", content=b"x")
    request.url = httpx.URL(f"{http.base_url}/").copy_with(
        raw_path=f"/api/notes/{note}/attachments/{name}".encode()
    )
    assert http.send(request).status_code in {400, 404, 405}
    assert [path.name for path in files.rglob("*") if path.is_file()] == []
    http.delete(f"/api/notes/{note}")


def test_too_large_a_file_leaves_nothing(http: httpx.Client, files: Path) -> None:
    note = add(http)
    url = f"/api/notes/{note}/attachments/large.bin"
    limit = 10 * 1024 * 1024
    assert http.put(url, content=b"x" * limit).status_code == 201

    def endless() -> Any:  # without a length, so that only counting can tell
        for _ in range(limit // 65536 + 1):
            yield b"x" * 65536

    assert http.put(url, content=endless()).status_code == 413
    assert http.get(url).content == b"x" * limit
    assert [path.name for path in files.rglob("*") if path.is_file()] == ["large.bin"]
    assert http.put("/api/notes/999999/attachments/a.txt", content=b"x").status_code == 404
    http.delete(f"/api/notes/{note}")


def test_requests_from_another_sites_page_are_refused(http: httpx.Client) -> None:
    for site, status in (
        ("cross-site", 403),
        ("same-site", 403),
        ("same-origin", 201),
        ("none", 201),
    ):
        sent = http.post("/api/notes", json={"title": "x"}, headers={"Sec-Fetch-Site": site})
        assert sent.status_code == status
        if status == 201:
            http.delete(f"/api/notes/{sent.json()['id']}")


def test_static_files_come_from_the_bucket_and_are_cached(http: httpx.Client, s3: Any) -> None:
    css = http.get("/static/notes.css")
    assert css.headers["content-type"] == "text/css; charset=utf-8"
    assert css.headers["cache-control"] == "public, max-age=300"
    assert ":root" in css.text
    again = http.get("/static/notes.css", headers={"If-None-Match": css.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert http.get("/static/none.css").status_code == 404
    assert http.get("/static/../seed.sql").status_code == 404
    s3.put_object(Bucket="notes-assets", Key="late.txt", Body=b"one")
    assert http.get("/static/late.txt").text == "one"
    s3.put_object(Bucket="notes-assets", Key="late.txt", Body=b"two")
    assert http.get("/static/late.txt").text == "one"  # for a minute


def test_many_at_once(http: httpx.Client) -> None:
    def work(number: int) -> set[int]:
        note = add(http, f"load {number}", "x" * 1000)
        answers = {http.get(path).status_code for path in ("/", f"/notes/{note}", "/healthz")}
        http.delete(f"/api/notes/{note}")
        return answers

    with ThreadPoolExecutor(16) as pool:
        assert set().union(*pool.map(work, range(40))) == {200}
