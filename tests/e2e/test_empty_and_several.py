"""Regions with nothing deployed, several regions at once, and regions that are half dead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .machine import UNDERPASS, Footprint, Project, application, environment, eventually

_SOURCE = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def leaves_nothing() -> Iterator[None]:
    before = Footprint.now()
    yield
    with suppress(AssertionError):  # what was killed takes a moment to go
        eventually(lambda: Footprint.now() == before, timeout_s=10)
    assert Footprint.now() == before


def test_an_empty_twin_needs_no_configuration(tmp_path: Path) -> None:
    project = Project(tmp_path)
    first = project.up("--empty")
    assert first["consumers"] == {}
    assert first["state_dir"] == str(tmp_path / ".underpass")
    assert project.up("--empty")["api_url"] == first["api_url"]
    same, other = urlsplit(first["api_url"]).port, project.run("up", "--empty", "--api-port", "1")
    assert (other.status, f"is at port {same}, not 1" in other.err) == (2, True)
    assert project.up("--empty", "--api-port", str(same))["api_url"] == first["api_url"]
    assert project.run("status", "--json").last["api_url"] == first["api_url"]
    assert first["api_url"] in project.run("status").out
    there = project.at("internet", "getent", "hosts", "sqs.us-east-1.amazonaws.com")
    assert (there.status, "198.51.100." in there.out) == (0, True), there.err
    words = [str(UNDERPASS), "exec", "--in", "internet", "--", "true"]
    assert subprocess.run(words, cwd=tmp_path, env=environment(), check=False).returncode == 0

    application(tmp_path, _SOURCE)
    refused = project.run("up")
    assert (refused.status, "started with --empty" in refused.err) == (2, True)
    (tmp_path / "underpass.toml").unlink()
    assert project.run("down", "--json").last["ended"] is True
    assert "no twin runs here" in project.run("status").err


def test_empty_is_refused_where_it_makes_no_sense(tmp_path: Path) -> None:
    for options in (["--port", "8099"], ["--allow-replace", "X"]):
        done = Project(tmp_path).run("up", "--empty", *options)
        assert (done.status, "--empty takes neither" in done.err) == (2, True)
    assert Project(tmp_path / "none").run("up", "--empty").status == 2
    assert list(tmp_path.iterdir()) == []


def test_several_twins_at_once_and_one_that_stops_answering(tmp_path: Path) -> None:
    projects = [application(tmp_path / name, _SOURCE) for name in ("one", "two")]
    with ThreadPoolExecutor() as pool:
        ups = list(pool.map(Project.up, projects))
        urls = [{up["api_url"], up["consumers"]["desk"]["url"]} for up in ups]
        assert len(urls[0] | urls[1]) == 4
        empty = projects[0].run("up", "--empty")
        assert (empty.status, "this twin runs small" in empty.err) == (2, True)
        unnamed = subprocess.run(
            [str(UNDERPASS), "status"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert "several twins run" in unnamed.stderr
        same = list(pool.map(lambda _: projects[0].run("up"), range(2)))
        assert sorted(done.status for done in same) == [0, 1]
        assert "another underpass command is at work here" in "".join(done.err for done in same)
        projects[1].down()
    _stop_the_regions_process(projects[0].folder)
    with ThreadPoolExecutor() as pool:  # each waits as long for the answer
        refused = list(pool.map(projects[0].run, ("status", "up")))
    for done in refused:
        assert (done.status, "the twin does not answer" in done.err) == (1, True), done.err
        assert f"run `underpass down {projects[0].folder}`" in done.err
    projects[0].down()


def _stop_the_regions_process(folder: Path) -> None:
    """Stop the process with the APIs, as a debugger or a machine out of memory does."""
    pid = json.loads((folder / ".underpass" / "region.json").read_text())["pid"]
    for _ in range(2):  # unshare, the region's first process, the region
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)


def test_a_consumer_that_leaves_takes_what_was_made_for_it_along(tmp_path: Path) -> None:
    project = application(tmp_path, _SOURCE)
    project.up()
    before = _namespaces(project)
    application(tmp_path, _SOURCE, '[[consumers]]\nname = "guest"')
    assert set(project.up()["consumers"]) == {"desk", "guest"}
    of_the_guest = _namespaces(project) - before
    assert {name.partition("-")[0] for name in of_the_guest} == {"eni", "vpc"}
    application(tmp_path, _SOURCE)
    assert set(project.up()["consumers"]) == {"desk"}
    eventually(lambda: not of_the_guest & _namespaces(project))
    gone = project.at("consumer/guest", "true")
    assert (gone.status, "there is no place consumer/guest" in gone.err) == (1, True)
    project.down()


def _namespaces(project: Project) -> set[str]:
    return set(project.at("internet", "ls", "/run/netns").out.split())
