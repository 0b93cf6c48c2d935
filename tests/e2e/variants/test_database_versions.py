"""The example's database gets parameters of its own, and then a later major version, with its data."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, client, copy_of_example

_PARAMETERS = 'parameters = { log_min_duration_statement = "500", max_connections = "77" }\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    before = Footprint.now()
    made = Project(copy_of_example(tmp_path))
    yield made
    made.run("down")
    assert Footprint.now() == before


def configure(project: Project, old: str, new: str) -> None:
    file = project.folder / "underpass.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def notes(summary: Any) -> list[Any]:
    url = summary["consumers"]["analytics"]["url"]
    with urllib.request.urlopen(f"{url}api/notes", timeout=20) as answer:
        found: list[Any] = json.load(answer)
    return found


def test_parameters_and_a_major_upgrade(project: Project) -> None:
    configure(project, 'seed = "seed.sql"\n', f'seed = "seed.sql"\n{_PARAMETERS}')
    summary = project.up()
    before = notes(summary)
    assert before
    rds = client(summary, "rds")
    (instance,) = rds.describe_db_instances()["DBInstances"]
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    described = rds.describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    told = {one["ParameterName"]: one["ParameterValue"] for one in described}
    assert (told["log_min_duration_statement"], told["max_connections"]) == ("500", "77")

    configure(project, 'max_connections = "77"', 'max_connection = "77"')
    refused = project.run("up", "--json")
    assert refused.status != 0
    assert "postgres16 has no parameter max_connection" in refused.out + refused.err
    configure(project, 'max_connection = "77"', 'max_connections = "78"')
    warned = project.run("up", "--json")
    assert warned.status == 0, warned.err
    assert "max_connections wait for the database's restart" in warned.out + warned.err

    configure(project, 'version = "16"', 'version = "18"')
    for command in ("plan", "up"):
        refused = project.run(command, "--json")
        said = refused.out + refused.err
        assert refused.status == 2, said
        assert "this would upgrade the database from postgres 16." in said
        assert "allow_major_upgrade = true" in said
    configure(project, 'version = "18"', 'version = "18"\nallow_major_upgrade = true')
    planned = project.run("plan", "--json")
    assert planned.status == 1, planned.err
    (foundation,) = [one for one in planned.json["stacks"] if one["name"] == "notes-foundation"]
    assert "no way back" in foundation["upgrade"]
    summary = project.up()
    (instance,) = rds.describe_db_instances()["DBInstances"]
    assert instance["EngineVersion"].startswith("18.")
    assert notes(summary) == before
    assert project.run("plan", "--json").status == 0
