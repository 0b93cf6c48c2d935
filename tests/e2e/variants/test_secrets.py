"""``[service] secrets``, ``permissions`` and ``policies`` on the twin: what a task and its role have."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, application, client, eventually

_ACCOUNT = "arn:aws:secretsmanager:us-east-1:111111111111:secret"
_SHOWS = """
import http.server, json, os, pathlib
NAMES = ("KEY", "OLD_KEY", "USER", "WHOLE", "LEVEL", "PLAIN", "OWN", "OWN_LEVEL")
class Shows(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = {name: os.environ[name] for name in NAMES if name in os.environ}
        body = json.dumps(said | {"env": pathlib.Path(".env").exists()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Shows).serve_forever()
"""
_MORE = f"""
policies = ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess", "arn:aws:iam::111111111111:policy/a/b"]
[service.environment]
PLAIN = "plain"
[service.secrets]
KEY = "{_ACCOUNT}:small/key-AbCdEf:key::"
USER = "{_ACCOUNT}:small/key-AbCdEf:user::"
OLD_KEY = "{_ACCOUNT}:small/key-AbCdEf:key:AWSPREVIOUS:"
WHOLE = "{_ACCOUNT}:whole"
LEVEL = "ssm:/small/level"
OWN = "{_ACCOUNT}:small/own-AbCdEf:word::"
OWN_LEVEL = "arn:aws:ssm:us-east-1:111111111111:parameter/own"
[[service.permissions]]
actions = ["sqs:SendMessage"]
resources = ["arn:aws:sqs:us-east-1:111111111111:jobs"]
"""
_ENV = """\
# of the twin only
export KEY='first'
OLD_KEY=before
USER="me \\"too\\""
LEVEL = 3 # a comment
"""


class Up:
    """The application, and what it says of its environment."""

    def __init__(self, folder: Path) -> None:
        tasks = {"min": 1, "max": 1}
        self.project: Project = application(folder, _SHOWS, _MORE)
        file = folder / "underpass.toml"
        file.write_text(
            file.read_text().replace("[service]\n", f"[service]\ntasks = {_inline(tasks)}\n")
        )
        (folder / ".env").write_text(_ENV)
        self.summary: Any = None

    def up(self) -> str:
        """Bring it up, and return what it tells on the way."""
        done = self.project.run("up", "--json")
        assert done.status == 0, f"{done.err}{done.out}"
        self.summary = done.last
        return done.out + done.err

    def seen(self) -> dict[str, Any]:
        url = self.project.run("open", "--json").json["desk"]["url"]
        with urllib.request.urlopen(url, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


def _inline(table: dict[str, int]) -> str:
    return f"{{ {', '.join(f'{key} = {value}' for key, value in table.items())} }}"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    before = Footprint.now()
    found = Up(tmp_path_factory.mktemp("secrets"))
    found.told = found.up()  # type: ignore[attr-defined]
    yield found
    found.project.down()
    assert Footprint.now() == before


def test_a_task_has_the_values_of_the_file_and_made_up_ones_for_the_rest(up: Up) -> None:
    seen = up.seen()
    assert (seen["KEY"], seen["OLD_KEY"], seen["USER"]) == ("first", "before", 'me "too"')
    assert (seen["LEVEL"], seen["PLAIN"]) == ("3", "plain")
    assert all(len(seen[name]) > 20 for name in ("WHOLE", "OWN", "OWN_LEVEL"))
    assert seen["env"] is False  # no image holds it
    told = up.told  # type: ignore[attr-defined]
    assert "no value of OWN, OWN_LEVEL, WHOLE" in told
    assert ".env" in told


def test_another_run_changes_nothing_and_tells_of_nothing(up: Up) -> None:
    before = up.seen()
    task = up.project.run("status", "--json").json["tasks"][0]["id"]
    assert "no value of" not in up.up()
    assert up.seen() == before
    assert up.project.run("status", "--json").json["tasks"][0]["id"] == task


def test_a_changed_value_starts_new_tasks_with_it(up: Up) -> None:
    before = up.seen()
    file = up.project.folder / ".env"
    file.write_text(_ENV.replace("first", "second").replace("LEVEL = 3", "LEVEL=4"))
    up.up()
    eventually(lambda: up.seen()["KEY"] == "second")
    assert up.seen() == before | {"KEY": "second", "LEVEL": "4"}


def test_what_the_user_made_in_the_region_is_what_counts(up: Up) -> None:
    secrets, parameters = client(up.summary, "secretsmanager"), client(up.summary, "ssm")
    secrets.delete_secret(SecretId="small/own", ForceDeleteWithoutRecovery=True)
    parameters.delete_parameter(Name="own")
    secrets.create_secret(Name="small/own", SecretString='{"word": "mine"}')
    parameters.put_parameter(Name="own", Value="blue", Type="String")
    assert "no value of" not in up.up()
    eventually(lambda: up.seen()["OWN"] == "mine")
    assert up.seen()["OWN_LEVEL"] == "blue"
    secrets.put_secret_value(SecretId="small/own", SecretString='{"word": "mine too"}')
    up.up()
    eventually(lambda: up.seen()["OWN"] == "mine too")


def test_the_role_has_what_was_asked_for(up: Up) -> None:
    iam = client(up.summary, "iam")
    (role,) = [
        one["RoleName"] for one in iam.list_roles()["Roles"] if "TaskRole" in one["RoleName"]
    ]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert {one["PolicyName"] for one in attached} == {"AmazonSQSReadOnlyAccess", "b"}
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    assert document["Statement"][-1]["Action"] == ["sqs:SendMessage"]
