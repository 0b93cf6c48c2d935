"""``egress = "endpoints"``: no way to the internet at all, and the application works all the same."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from tests.e2e.machine import Footprint, Project, copy_of_example

_REACH = """
import json, socket, sys
def reached(host):
    try:
        socket.create_connection((host, 443), 2).close()
    except OSError:
        return False
    return True
print(json.dumps({host: reached(host) for host in json.loads(sys.argv[1])}))
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    before = Footprint.now()
    project = Project(copy_of_example(tmp_path_factory.mktemp("endpoints")))
    file = project.folder / "underpass.toml"
    file.write_text(file.read_text() + '\n[network]\negress = "endpoints"\nendpoints = ["sts"]\n')
    project.up()
    yield project
    project.down()
    assert Footprint.now() == before


def test_the_assets_come_from_s3_by_its_gateway_endpoint(up: Project) -> None:
    url = up.run("open", "--json").json["analytics"]["url"]
    with urllib.request.urlopen(f"{url}static/notes.css", timeout=20) as answer:
        assert answer.status == 200
        assert b"--paper" in answer.read()


def test_a_task_reaches_the_services_that_have_endpoints_and_nothing_else(up: Project) -> None:
    task = up.run("status", "--json").json["tasks"][0]["id"]
    with_endpoints = [
        f"{one}.us-east-1.amazonaws.com" for one in ("logs", "secretsmanager", "s3", "sts")
    ]
    without = ["sqs.us-east-1.amazonaws.com", "198.51.100.10"]
    done = up.at(
        f"task/{task}", sys.executable, "-c", _REACH, json.dumps([*with_endpoints, *without])
    )
    assert done.status == 0, done.err
    assert done.json == dict.fromkeys(with_endpoints, True) | dict.fromkeys(without, False)
