"""The application runs with a database that is there already: its secret, its group, its host."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, client

_FILE = """
name = "orders"

[service]
build = "."
port = 8000
process = ["{python}", "main.py"]
tasks = { min = 2, max = 2 }
scaling = { cpu = 0, requests = 0 }

[network]
vpc_id = "vpc-0123456789abcdef0"
app_subnets = ["subnet-0123456a", "subnet-0123456b"]
data_subnets = ["subnet-0123456c", "subnet-0123456d"]

[database.existing]
secret = "arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf"
security_group = "sg-0123456789abcdef0"

[[consumers]]
name = "analytics"
cidr = "10.40.0.0/16"
"""
_APP = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        said = {name[9:]: text for name, text in os.environ.items() if name.startswith("DATABASE_")}
        if self.path == "/ask":
            with psycopg.connect(
                host=said["HOST"], port=said["PORT"], dbname=said["NAME"], user=said["USERNAME"],
                password=said.pop("PASSWORD"), connect_timeout=5, sslmode="require",
            ) as line:
                said["asked"] = line.execute("select current_database(), current_user").fetchone()
        body = json.dumps({**said, "PASSWORD": ""}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("", 8000), Answer).serve_forever()
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    before = Footprint.now()
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "underpass.toml").write_text(_FILE)
    (folder / "main.py").write_text(_APP)
    made = Project(folder)
    yield made
    made.run("down")
    assert Footprint.now() == before


def asked(summary: Any) -> dict[str, Any]:
    url = summary["consumers"]["analytics"]["url"]
    with urllib.request.urlopen(f"{url}ask", timeout=20) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_tasks_reach_it_with_its_secret_and_nothing_of_it_is_underpasss(project: Project) -> None:
    summary = project.up()
    found = asked(summary)
    (instance,) = client(summary, "rds").describe_db_instances()["DBInstances"]
    assert found["HOST"] == instance["Endpoint"]["Address"]
    assert (found["PORT"], found["NAME"], found["USERNAME"]) == ("5432", "app", "existing")
    assert found["asked"] == ["app", "existing"]
    made_by = [tag for tag in instance["TagList"] if tag["Key"].startswith("aws:cloudformation")]
    assert not made_by, "the database belongs to nobody's stack"

    # Its owner sees to the rule, and says more of it in the file than in the secret.
    file = project.folder / "underpass.toml"
    host = 'admit = false\nhost = "orders.example.com"\nname = "app"\n\n[[consumers]]'
    file.write_text(file.read_text().replace("[[consumers]]", host, 1))
    found = asked(project.up())
    assert found["asked"] == ["app", "existing"]
    assert found["HOST"] == instance["Endpoint"]["Address"]  # the stand-in's
    assert project.run("plan").status == 0
