"""What is deployed changes: zones, the port, what the tasks run on; the VPC stays."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, copy_of_example

REPLACED = "would be replaced by a change of CidrBlock"


class Changing:
    """The example, whose ``[network]`` the test sets."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.file = project.folder / "underpass.toml"
        self.text = self.file.read_text()

    def network(self, line: str) -> None:
        self.file.write_text(f"{self.text}\n[network]\n{line}\n")

    def service(self, before: str, after: str) -> None:
        """Change a line of the file, other than the network."""
        assert self.text.count(before) == 1
        self.text = self.text.replace(before, after)
        self.file.write_text(self.text)

    def up_under_load(self) -> dict[int, int]:
        """Bring it up to date while a consumer asks all the time; return how many answers of each status."""
        seen: Counter[int] = Counter()
        url = self.project.run("open", "--json").json["analytics"]["url"]
        over = threading.Event()

        def ask() -> None:
            while not over.is_set() and seen.total() < 20_000:
                seen[status(f"{url}api/whoami")] += 1

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for thread in asking:
            thread.start()
        try:
            self.project.up()
        finally:
            over.set()
            for thread in asking:
                thread.join(timeout=60)
        return dict(seen)

    def planned(self) -> dict[str, dict[str, str]]:
        """Return what the plan says of each stack: the action by logical id."""
        done = self.project.run("plan", "--json")
        assert done.status in {0, 1}, done.err
        return {
            one["name"]: {change["logical_id"]: change["action"] for change in one["changes"]}
            for one in done.json["stacks"]
        }

    def zones(self) -> set[str]:
        """Return the zones of the NLB's targets."""
        shown: Any = self.project.run("status", "--json").json
        return {target["zone"] for target in shown["targets"]["nlb"]}

    def await_zones(self, count: int) -> None:
        """Wait until the registrar has targets in so many zones."""
        deadline = time.monotonic() + 60
        while len(self.zones()) != count:
            assert time.monotonic() < deadline, self.zones()

    def answers(self) -> None:
        url = self.project.run("open", "--json").json["analytics"]["url"]
        with urllib.request.urlopen(f"{url}healthz", timeout=20) as answer:
            assert answer.status == 200


def status(url: str) -> int:
    """Return the status of an answer; 0 for none."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    before = Footprint.now()
    project = Project(copy_of_example(tmp_path_factory.mktemp("changes")))
    project.up()
    yield Changing(project)
    project.down()
    assert Footprint.now() == before


def test_a_third_zone_comes_and_goes(changing: Changing) -> None:
    changing.network("zones = 3")
    planned = changing.planned()
    assert planned["notes-foundation"]["AppSubnet3"] == "Add"
    assert planned["notes-path"]["Alb"] == planned["notes-path"]["Nlb"] == "Modify"
    changing.project.up()
    changing.await_zones(3)
    changing.answers()

    changing.network("zones = 2")
    assert changing.planned()["notes-foundation"]["AppSubnet3"] == "Remove"
    changing.project.up()
    changing.await_zones(2)
    assert not any(changing.planned().values())
    changing.answers()


def test_another_port_costs_no_request(changing: Changing) -> None:
    changing.service("port = 8000", "port = 8001")
    changing.service('LOG_LEVEL = "info"', 'LOG_LEVEL = "info", PORT = "8001"')
    assert "AlbTargetGroup" not in changing.planned()["notes-path"]
    assert changing.up_under_load().keys() == {200}


@pytest.mark.parametrize("provider", ["fargate", "ec2"])
def test_tasks_move_to_another_capacity_without_losing_a_request(
    changing: Changing, provider: str
) -> None:
    changing.service("[database]", f'[capacity]\nprovider = "{provider}"\n\n[database]')
    assert changing.up_under_load().keys() == {200}
    resources = changing.project.run("plan", "--json").json
    assert not resources["changed"]
    changing.service(f'[capacity]\nprovider = "{provider}"\n\n', "")


def test_the_vpc_cannot_be_left(changing: Changing) -> None:
    changing.network('cidr = "10.30.0.0/16"')
    for command in ("plan", "up"):
        done = changing.project.run(command)
        assert done.status == 2
        assert "this change would move the application to another VPC" in done.err
        assert REPLACED in done.err
    changing.answers()
