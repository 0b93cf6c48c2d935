"""``[[network.allow_out]]``: a port of a block is open, and its neighbours are not; and S3's own gateway."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from tests.e2e.machine import Footprint, Project, copy_of_example

_INTERNET = "198.51.100.10"  # where nothing listens on these ports: what gets there is refused
_KNOCK = """
import json, socket, sys
def knock(host, port):
    try:
        socket.create_connection((host, port), 2).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "dropped"
    return "open"
print(json.dumps([knock(host, port) for host, port in json.loads(sys.argv[1])]))
"""
_NETWORK = f"""
[network]
[[network.allow_out]]
port = 8025
cidr = "{_INTERNET}/32"
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    before = Footprint.now()
    project = Project(copy_of_example(tmp_path_factory.mktemp("ways-out")))
    file = project.folder / "underpass.toml"
    file.write_text(file.read_text() + _NETWORK)
    project.up()
    yield project
    project.down()
    assert Footprint.now() == before


def test_the_port_is_open_to_the_block_and_to_no_other(up: Project) -> None:
    task = up.run("status", "--json").json["tasks"][0]["id"]
    doors = [(_INTERNET, 8025), (_INTERNET, 8026), ("198.51.100.11", 8025)]
    done = up.at(f"task/{task}", sys.executable, "-c", _KNOCK, json.dumps(doors))
    assert done.status == 0, done.err
    assert done.json == ["refused", "dropped", "dropped"]


def test_with_nat_too_s3_is_reached_by_its_gateway_endpoint(up: Project) -> None:
    url = up.run("open", "--json").json["analytics"]["url"]
    with urllib.request.urlopen(f"{url}static/notes.css", timeout=20) as answer:
        assert answer.status == 200
