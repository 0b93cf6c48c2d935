"""Workers, and what runs before a release: on the twin, under load."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, application, eventually

SERVES = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = os.environ["VERSION"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
WORKS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("working", os.environ["VERSION"], os.environ["OWN"], flush=True)
time.sleep(600)
"""
MIGRATES = """
import os, sys
print("migrating to", os.environ["VERSION"], flush=True)
sys.exit(int(os.environ["EXIT"]))
"""
WORKER = """
[[workers]]
name = "mail"
command = ["python", "works.py"]
environment = { OWN = "yes" }
"""


class Released:
    """A small application with a worker and a release, whose version the test sets."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = project.folder / "underpass.toml"
        self.text = self.file.read_text()

    def version(self, number: int, exit_code: int = 0) -> None:
        variables = f'{{ VERSION = "{number}", EXIT = "{exit_code}" }}'
        self.file.write_text(
            self.text.replace("[service]", f"[service]\nenvironment = {variables}", 1)
        )

    @property
    def url(self) -> str:
        return str(self.project.run("open", "--json").json["desk"]["url"])

    def said(self) -> list[str]:
        done = self.project.run("logs", "--json")
        return [line for line in done.out.splitlines() if "working" in line]

    def workers(self) -> list[Any]:
        shown: Any = self.project.run("status", "--json").json
        return [task for task in shown["tasks"] if task["runs"] == "mail"]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    before = Footprint.now()
    folder = tmp_path_factory.mktemp("release")
    one = Released(application(folder, SERVES, WORKER, release=["python", "migrates.py"]))
    (folder / "works.py").write_text(WORKS)
    (folder / "migrates.py").write_text(MIGRATES)
    one.version(1)
    one.project.up()
    yield one
    one.project.down()
    assert Footprint.now() == before


def asked_until(over: threading.Event, url: str, seen: Counter[str]) -> None:
    while not over.is_set() and seen.total() < 50_000:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                seen[answer.read().decode()] += 1
        except (urllib.error.URLError, OSError) as error:
            seen[f"failed: {error}"] += 1


def test_the_worker_runs_beside_the_service(released: Released) -> None:
    assert [task["health"] for task in released.workers()] == ["running"]
    eventually(lambda: any("working 1 yes" in line for line in released.said()))


def test_a_release_that_fails_loses_no_request_and_changes_nothing(released: Released) -> None:
    before, over, seen = released.workers(), threading.Event(), Counter[str]()
    asking = [
        threading.Thread(target=asked_until, args=(over, released.url, seen)) for _ in range(4)
    ]
    for thread in asking:
        thread.start()
    try:
        released.version(2, exit_code=3)
        done = released.project.run("up")
        time.sleep(1)
    finally:
        over.set()
        for thread in asking:
            thread.join(timeout=60)
    assert done.status == 1
    assert "migrating to 2" in done.err
    assert "exit code 3" in done.err
    assert seen.keys() == {"1"}, seen
    assert seen.total() > 100
    assert released.workers() == before


def test_the_next_one_runs_and_all_of_it_moves_on(released: Released) -> None:
    released.version(3)
    done = released.project.run("up")
    assert done.status == 0, done.err
    assert "migrating to 3" in done.err
    with urllib.request.urlopen(released.url, timeout=20) as answer:
        assert answer.read() == b"3"
    eventually(lambda: any("working 3 yes" in line for line in released.said()))
    again = released.project.run("up")
    assert "migrating" not in again.err


def test_a_worker_that_does_not_stay_is_told_by_name(released: Released) -> None:
    (released.project.folder / "works.py").write_text(
        'import sys; print("no queue"); sys.exit(4)\n'
    )
    released.version(4)
    done = released.project.run("up")
    assert done.status == 1
    assert "of worker mail stopped" in done.err
    assert "no queue" in done.err
