"""``[[service.sidecars]]``: containers that share an address, start in their order and are told apart."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from tests.e2e.machine import Footprint, Project, application

# Serves what the proxy beside it says: it could not start before that listens.
_APPLICATION = """
import http.server, urllib.request
def ask():
    return urllib.request.urlopen("http://127.0.0.1:9001/", timeout=5).read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ask()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
print("began with", ask().decode(), flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
_PROXY = """
import http.server, os, sys, time
if "EXIT" in os.environ:
    sys.exit("no upstream")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "9")
        self.end_headers()
        self.wfile.write(b"the proxy")
    def log_message(self, *_):
        pass
time.sleep(0.5)
print("listens", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", 9001), Handler).serve_forever()
"""
_CHECK = "import socket; socket.create_connection((chr(49) + '27.0.0.1', 9001), 2).close()"
_SIDECARS = f"""
depends_on = {{ proxy = "healthy", set-up = "success" }}
[[service.sidecars]]
name = "proxy"
build = "proxy/"
port = 9001
process = ["{{python}}", "proxy.py"]
health_command = ["python", "-c", "{_CHECK}"]
[[service.sidecars]]
name = "set-up"
image = "registry.example/set-up:1.0"
essential = false
process = ["sh", "-c", "echo all set"]
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    before = Footprint.now()
    project = application(tmp_path_factory.mktemp("sidecars"), _APPLICATION, _SIDECARS)
    (project.folder / "proxy").mkdir()
    (project.folder / "proxy" / "proxy.py").write_text(_PROXY)
    project.up()
    yield project
    project.down()
    assert Footprint.now() == before


def test_the_application_is_served_by_its_proxy_on_localhost(up: Project) -> None:
    url = up.run("open", "--json").json["desk"]["url"]
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"the proxy"


def test_status_and_logs_tell_the_containers_apart(up: Project) -> None:
    for task in up.run("status", "--json").json["tasks"]:
        states = {one["name"]: one["state"] for one in task["containers"]}
        assert states["proxy"] == "healthy"
        assert states["small"] == "running"
        assert states["set-up"] == "stopped (exit code 0)"
    assert "set-up" in up.run("status").out
    lines = [line.split()[2:] for line in up.run("logs").out.splitlines()]
    assert ["set-up", "all", "set"] in lines
    assert ["proxy", "listens"] in lines
    assert ["began", "with", "the", "proxy"] in lines
    only = up.run("logs", "--container", "proxy").out.splitlines()
    assert only
    assert all(line.endswith("proxy  listens") for line in only)


def test_a_command_runs_in_the_container_that_is_named(up: Project) -> None:
    task = up.run("status", "--json").json["tasks"][0]["id"]
    listing = {
        place: up.at(f"task/{task}{place}", "ls", "/app").out.split() for place in ("", "/proxy")
    }
    assert "app.py" in listing[""]
    assert listing["/proxy"] == ["proxy.py"]
    refused = up.at(f"task/{task}/other", "true")
    assert refused.status
    assert "there is no container other" in refused.err


def test_a_proxy_that_ends_is_named_with_its_last_words_and_the_old_tasks_stay(up: Project) -> None:
    file = up.folder / "underpass.toml"
    text = file.read_text()
    file.write_text(text.replace("port = 9001\n", 'port = 9001\nenvironment = { EXIT = "1" }\n'))
    failed = up.run("up")
    file.write_text(text)
    assert failed.status == 1
    assert "container proxy, exit code 1" in failed.err
    assert "| no upstream" in failed.err
    url = up.run("open", "--json").json["desk"]["url"]
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.read() == b"the proxy"
