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
zone_ids = ["use1-az4", "use1-az2"]
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


def test_the_tasks_are_in_the_zones_that_are_named_and_stay_there(up: Project) -> None:
    tasks = up.run("status", "--json").json["tasks"]
    assert {task["zone"] for task in tasks} == {"us-east-1c", "us-east-1d"}
    assert up.run("plan").status == 0
    file = up.folder / "underpass.toml"
    text = file.read_text()
    file.write_text(text.replace("use1-az2", "use1-az5"))
    refused = up.run("plan")
    assert refused.status == 2
    assert "cannot move to other Availability Zones" in refused.err
    file.write_text(text)
