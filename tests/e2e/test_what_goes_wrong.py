"""Bad input and bad luck: a clear error, and nothing left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .machine import (
    UNDERPASS,
    Footprint,
    Project,
    application,
    copy_of_example,
    environment,
    eventually,
)

_GOOD = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(b"well\\n")
    def log_message(self, *_):
        pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # who asks may hang up: a trace of that would be all of the last lines
print("listening", flush=True)
Server(("", 8000), Handler).serve_forever()
"""


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    before = Footprint.now()
    yield
    assert Footprint.now() == before


@pytest.mark.usefixtures("leaves_nothing")
class TestAnApplicationThatDoesNotWork:
    def test_that_exits_at_once(self, tmp_path: Path) -> None:
        source = 'import sys\nprint("no such table: users", flush=True)\nsys.exit(3)\n'
        done = application(tmp_path, source).run("up")
        assert done.status == 1
        assert "no such table: users" in done.err
        assert "3" in done.err

    def test_that_never_listens(self, tmp_path: Path) -> None:
        source = 'import time\nprint("thinking", flush=True)\ntime.sleep(600)\n'
        done = application(tmp_path, source).run("up")
        assert done.status == 1
        assert "thinking" in done.err

    def test_that_fails_its_health_check(self, tmp_path: Path) -> None:
        done = application(tmp_path, _GOOD.format(status=500)).run("up")
        assert done.status == 1
        assert "500" in done.err
        assert "listening" in done.err

    def test_as_json(self, tmp_path: Path) -> None:
        done = application(tmp_path, "raise SystemExit('gone')").run("up", "--json")
        assert done.status == 1
        assert done.last["ok"] is False
        assert "gone" in done.last["error"]["why"]


@pytest.mark.usefixtures("leaves_nothing")
class TestBadInput:
    def test_a_folder_without_configuration(self, tmp_path: Path) -> None:
        done = Project(tmp_path).run("up")
        assert done.status == 2
        assert "underpass.toml" in done.err
        assert "underpass init" in done.err
        assert list(tmp_path.iterdir()) == []

    def test_a_taken_port(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for option in ("--port", "--api-port"):
                done = application(tmp_path, _GOOD.format(status=200)).run("up", option, port)
                assert done.status == 2
                assert port in done.err

    def test_a_seed_with_an_error(self, tmp_path: Path) -> None:
        folder = copy_of_example(tmp_path)
        (folder / "seed.sql").write_text(
            "CREATE TABLE a (b int);\n\nINSERT INTO nowhere VALUES (1);\n"
        )
        done = Project(folder).run("up")
        assert done.status == 1
        assert "seed.sql:3" in done.err
        assert "INSERT INTO nowhere" in done.err

    def test_an_image_where_a_process_is_needed(self, tmp_path: Path) -> None:
        project = application(tmp_path, "", process=[])
        done = project.run("up")
        assert done.status == 2
        assert "process" in done.err


def test_a_killed_region_is_gone_and_up_starts_anew(tmp_path: Path) -> None:
    before = Footprint.now()
    project = application(tmp_path, _GOOD.format(status=200))
    project.up()
    os.kill(
        json.loads((tmp_path / ".underpass" / "region.json").read_text())["pid"], signal.SIGKILL
    )
    eventually(lambda: Footprint.now() == before)
    project.up()
    project.down()
    assert Footprint.now() == before


def test_a_killed_up_leaves_nothing(tmp_path: Path) -> None:
    before = Footprint.now()
    project = application(tmp_path, "import time\ntime.sleep(600)\n", grace_period=600)
    with subprocess.Popen(
        [str(UNDERPASS), "up", str(project.folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as starting:
        eventually(lambda: any("app.py" in one for one in Footprint.now().processes))
        starting.kill()
    eventually(lambda: Footprint.now() == before)


def test_a_change_that_would_replace_the_database_changes_nothing(tmp_path: Path) -> None:
    project = Project(copy_of_example(tmp_path))
    fresh = project.run("plan", "--json")
    assert fresh.status == 1
    assert {stack["action"] for stack in fresh.last["stacks"]} == {"create"}
    project.up()
    same = project.run("plan")
    assert (same.status, same.out.count("nothing to change")) == (0, len(fresh.last["stacks"]))
    text = (project.folder / "underpass.toml").read_text()
    database = text.split("[database]")[1]
    other = database.replace('name = "notes"', 'name = "other"', 1)
    assert other != database
    (project.folder / "underpass.toml").write_text(text.replace(database, other))
    for command in ("plan", "up"):
        refused = project.run(command)
        assert refused.status == 2
        assert "DatabaseInstance, the database" in refused.err
        assert "by a change of DBName" in refused.err
        assert "--allow-replace DatabaseInstance" in refused.err
    allowed = project.run("plan", "--allow-replace", "DatabaseInstance", "--json")
    assert allowed.status == 1
    changes = {c["logical_id"]: c for c in allowed.last["stacks"][0]["changes"]}
    assert changes["DatabaseInstance"]["replacement"] == "True"
    (project.folder / "underpass.toml").write_text(text)
    assert project.run("plan").status == 0
    project.down()


def test_data_outlive_the_twin_until_their_user_lets_them_go(tmp_path: Path) -> None:
    import urllib.request

    project = Project(copy_of_example(tmp_path))
    for expected in (False, True):
        url = project.up()["consumers"]["analytics"]["url"] + "api/notes"
        with urllib.request.urlopen(url, timeout=20) as answer:
            assert (b"kept over a restart" in answer.read()) is expected
        if not expected:
            request = urllib.request.Request(
                url,
                data=json.dumps({"title": "kept over a restart", "body": ""}).encode(),
                headers={"Content-Type": "application/json"},
            )
            urllib.request.urlopen(request, timeout=20).close()
        project.down()
    refused = project.run("down", "--data")
    assert refused.status == 2
    assert project.run("down", "--data", "--yes").status == 0
    assert not (project.folder / ".underpass").exists()


def test_a_twin_needs_namespaces(tmp_path: Path) -> None:
    project = application(tmp_path, _GOOD.format(status=200))
    # A user namespace that may hold no further one refuses as a locked-down machine does.
    up = shlex.join([str(UNDERPASS), "up", str(project.folder)])
    locked = f"echo 0 > /proc/sys/user/max_user_namespaces && exec {up}"
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-user=1000",
            "--map-group=1000",
            "--keep-caps",
            "sh",
            "-c",
            locked,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sysctl -w user.max_user_namespaces" in done.stderr
