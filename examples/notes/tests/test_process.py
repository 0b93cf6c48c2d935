"""The application as a process: how it starts, what it says when it cannot, how it recovers, how it ends."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).resolve().parents[1]


def test_starts_and_stays_small(start: Any, environment: dict[str, str]) -> None:
    running = start(environment)
    for path in ("/", "/static/notes.css", "/static/notes.js", "/healthz") * 10:
        assert httpx.get(running.url + path).status_code == 200
    assert running.memory_mib() < 60


def test_says_everything_that_is_missing(environment: dict[str, str]) -> None:
    left_out = {"DATABASE_HOST", "ASSETS_BUCKET"}
    kept = {name: value for name, value in environment.items() if name not in left_out}
    ended = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=HERE,
        env={**kept, "FILES_PATH": "/nowhere", "PORT": "http"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    for words in (
        "DATABASE_HOST is not set: add [database] to underpass.toml",
        "ASSETS_BUCKET is not set: add [assets] to underpass.toml",
        "FILES_PATH is /nowhere, which is not a folder",
        "PORT is 'http', not a port",
    ):
        assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_container_health_check_follows_the_server_and_not_the_database(
    start: Any, environment: dict[str, str], own_postgres: Any
) -> None:
    running = start({**environment, "DATABASE_PORT": str(own_postgres.port)})

    def check() -> int:
        port = {**environment, "PORT": running.url.rsplit(":", 1)[1]}
        command = [sys.executable, "-m", "app.health"]
        return subprocess.run(command, cwd=HERE, env=port, check=False).returncode

    own_postgres.stop()
    assert httpx.get(f"{running.url}/healthz").status_code == 503
    assert check() == 0
    running.stop()
    assert check() == 1


def test_runs_outside_ecs(start: Any, environment: dict[str, str]) -> None:
    running = start({**environment, "ECS_CONTAINER_METADATA_URI_V4": ""})
    assert httpx.get(f"{running.url}/api/whoami").json()["zone"] == "local"


def test_finishes_what_is_under_way_when_it_is_asked_to_end(
    start: Any, environment: dict[str, str], wait_for: Any
) -> None:
    running = start(environment)
    released = threading.Event()

    def slowly() -> Any:
        yield b"first"
        released.wait(10)
        yield b" second"

    made = httpx.post(f"{running.url}/api/notes", json={"title": "x"}).json()["id"]
    answers: list[httpx.Response] = []
    upload = threading.Thread(
        target=lambda: answers.append(
            httpx.put(
                f"{running.url}/api/notes/{made}/attachments/a.txt", content=slowly(), timeout=20
            )
        )
    )
    upload.start()
    folder = Path(environment["FILES_PATH"]) / str(made)
    wait_for(folder.exists, "the upload")
    running.process.terminate()
    wait_for(lambda: not running.listens(), "the end of listening")
    released.set()
    upload.join()
    status, written = running.stop()
    assert answers[0].status_code == 201
    assert (folder / "a.txt").read_bytes() == b"first second"
    assert status in {0, -15}
    assert "Traceback" not in written


def test_health_follows_the_database(
    start: Any, environment: dict[str, str], own_postgres: Any
) -> None:
    running = start({**environment, "DATABASE_PORT": str(own_postgres.port)})
    with httpx.Client(base_url=running.url, timeout=10) as http:
        without = http.get("/healthz")
        assert without.status_code == 503
        assert 'relation "notes" does not exist' in without.json()["database"]
        assert own_postgres.sql((HERE / "seed.sql").read_text(), "notes").returncode == 0
        assert http.get("/healthz").json() == {"status": "ok"}
        own_postgres.stop()
        down = http.get("/healthz")
        assert (down.status_code, down.json()["status"]) == (503, "unavailable")
        assert http.get("/").status_code == 503
        assert "the database does not answer" in http.get("/api/notes").json()["error"]
        assert http.get("/static/notes.css").status_code == 200
        own_postgres.start()  # another process: every connection of before is gone
        assert http.get("/healthz").status_code == 200
        added = http.post("/api/notes", json={"title": "after"})
        assert added.status_code == 201


def test_connections_cut_by_a_failover_are_not_noticed_by_readers(
    start: Any, environment: dict[str, str], own_postgres: Any
) -> None:
    own_postgres.sql((HERE / "seed.sql").read_text(), "notes")
    running = start({**environment, "DATABASE_PORT": str(own_postgres.port)})
    with httpx.Client(base_url=running.url, timeout=10) as http:
        assert http.get("/api/notes").status_code == 200
        cut = own_postgres.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'notes'"
        )
        assert cut.stdout.strip() == "t"
        assert http.get("/api/notes").status_code == 200


def test_health_is_answered_in_time_when_the_database_hangs(
    start: Any, environment: dict[str, str], own_postgres: Any
) -> None:
    own_postgres.sql((HERE / "seed.sql").read_text(), "notes")
    running = start({**environment, "DATABASE_PORT": str(own_postgres.port)})
    locked = own_postgres.sql  # one that holds the table while the other asks
    holder = threading.Thread(
        target=lambda: locked("BEGIN; LOCK TABLE notes; SELECT pg_sleep(8); COMMIT;", "notes")
    )
    assert httpx.get(f"{running.url}/healthz").status_code == 200
    holder.start()
    time.sleep(0.5)
    assert httpx.get(f"{running.url}/healthz", timeout=10).status_code == 503
    assert holder.is_alive(), "it answers while the table is still locked"
    holder.join()
    assert httpx.get(f"{running.url}/healthz").status_code == 200
    holder.join()
