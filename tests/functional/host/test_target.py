"""The twin as a deployment's target: what it refuses up front, and what counts as an answer."""

import http.server
import threading
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from underpass.config import Config
from underpass.errors import UsageError
from underpass.twin.host.running_twins import Running
from underpass.twin.host.target import TwinTarget
from underpass.twin.region import credentials
from underpass.twin.services.ecr import bundles


def config(**service: Any) -> Config:
    return Config.model_validate(
        {
            "name": "notes",
            "service": {"port": 80, **service},
            "consumers": [{"name": "analytics"}],
            "privatelink": {"domain": "notes.internal.example"},
        }
    )


def target(tmp_path: Path, door: int = 1) -> TwinTarget:
    running = Running(tmp_path, "notes", 1, 1, "us-east-1", 1, {"analytics": door})
    credentials.ensure(tmp_path)
    return TwinTarget(running, config(build="."))


class Application(http.server.BaseHTTPRequestHandler):
    """Answers with the status its path names, to its own name only; a redirect leads nowhere."""

    def do_GET(self) -> None:
        known = self.headers["Host"] == "notes.internal.example"
        self.send_response(int(self.path.strip("/")) if known else 421)
        self.send_header("Location", "http://nowhere.invalid/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def door() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_what_it_cannot_start_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="process is empty") as caught:
        target(tmp_path).preflight(config(build="."))
    assert "process = [" in caught.value.try_next
    with pytest.raises(UsageError, match=r"no container engine to run registry/notes:1 with"):
        target(tmp_path).preflight(config(image="registry/notes:1"))


def test_a_sidecar_it_cannot_start_is_refused_by_its_name(tmp_path: Path) -> None:
    otel: dict[str, Any] = {"name": "otel", "image": "registry/otel:1"}
    running = {"build": ".", "process": ["./run"]}
    with pytest.raises(UsageError, match="how to start the sidecar otel") as caught:
        target(tmp_path).preflight(config(**running, sidecars=[otel]))
    assert "no container engine to run registry/otel:1 with" in caught.value.why
    assert "process = [" in caught.value.try_next
    target(tmp_path).preflight(config(**running, sidecars=[otel | {"process": ["./otel"]}]))


def test_a_sidecar_is_published_with_its_own_folder_and_process(tmp_path: Path) -> None:
    for folder in ("src", "otel", "state"):
        (tmp_path / folder).mkdir()
    (tmp_path / "otel" / "otel.py").touch()
    sidecar = {"name": "otel", "build": "otel", "process": ["{python}", "otel.py"]}
    described = config(build="src", process=["./run"], sidecars=[sidecar])
    described = described.model_copy(update={"folder": tmp_path})
    (one,) = described.service.sidecars
    uri = target(tmp_path / "state").publish_sidecar(described, one, "123.dkr.ecr/notes")
    image = bundles.find(tmp_path / "state", uri)
    assert image.process == ("{python}", "otel.py")
    assert [path.name for path in image.app.iterdir()] == ["otel.py"]


@pytest.mark.parametrize("source", [{"build": "."}, {"image": "registry/notes:1"}])
def test_a_process_is_all_it_needs(tmp_path: Path, source: dict[str, str]) -> None:
    target(tmp_path).preflight(config(**source, process=["./run"]))


@pytest.mark.parametrize(
    ("status", "works"), [(200, True), (302, True), (404, False), (500, False)]
)
def test_what_the_alb_takes_for_an_answer_is_one(
    tmp_path: Path, door: int, status: int, works: bool
) -> None:
    consumer = config(build=".").consumers[0]
    assert target(tmp_path, door).answers(consumer, f"/{status}") == (works, f"HTTP {status}")


def test_no_answer_is_told_with_its_reason(tmp_path: Path) -> None:
    consumer = config(build=".").consumers[0]
    works, seen = target(tmp_path, door=1).answers(consumer, "/")
    assert not works
    assert "refused" in seen


def test_an_application_is_published_with_the_python_beside_its_configuration(
    tmp_path: Path,
) -> None:
    for folder in ("src", "state"):
        (tmp_path / folder).mkdir()
    venv.create(tmp_path / ".venv", symlinks=True)
    described = config(build="src", process=["{python}"]).model_copy(update={"folder": tmp_path})
    published = target(tmp_path / "state").publish_image(described, "123.dkr.ecr/notes")
    image = bundles.find(tmp_path / "state", published)
    assert image.python == str(tmp_path / ".venv" / "bin" / "python")
    assert list(image.app.iterdir()) == []


@pytest.mark.parametrize(
    ("network", "what"),
    [
        ({"egress": "endpoints", "endpoints": ["sqs", "xray"]}, "no endpoint to xray"),
        ({"allow_out": [{"port": 443, "prefix_list": "pl-01234567"}]}, "know pl-01234567"),
        ({"allow_out": [{"port": 443, "security_group": "sg-01234567"}]}, "know sg-01234567"),
    ],
)
def test_a_way_out_that_leads_nowhere_on_the_twin_is_refused_by_name(
    tmp_path: Path, network: dict[str, Any], what: str
) -> None:
    wanted = {**config(build=".", process=["./run"]).model_dump(), "network": network}
    with pytest.raises(UsageError, match=what):
        target(tmp_path).preflight(Config.model_validate(wanted))


def test_ways_out_the_twin_carries_pass(tmp_path: Path) -> None:
    network = {
        "egress": "endpoints",
        "endpoints": ["sqs", "sts", "ecr.api", "dynamodb", "ssmmessages"],
        "allow_out": [{"port": 6379, "cidr": "10.9.0.0/16"}],
    }
    wanted = {**config(build=".", process=["./run"]).model_dump(), "network": network}
    target(tmp_path).preflight(Config.model_validate(wanted))
