"""The application logs in as a user of its own, and the users' passwords change while it is asked."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.machine import Footprint, Project, client, copy_of_example

LONGEST_S = 120.0
KEYS = '\n[database]\nrotation_window = { schedule = "cron(0 3 ? * SUN *)" }\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    before = Footprint.now()
    made = Project(copy_of_example(tmp_path))
    file = made.folder / "underpass.toml"
    file.write_text(file.read_text().replace("\n[database]\n", KEYS, 1))
    yield made
    made.run("down")
    assert Footprint.now() == before


def test_both_secrets_are_rotated_and_no_request_fails(project: Project) -> None:
    summary = project.up()
    told = {
        output["OutputKey"]: output["OutputValue"]
        for stack in ("notes-foundation", "notes-capacity", "notes-service")
        for output in _stack(summary, stack)["Outputs"]
    }
    application, administrator = told["DatabaseUserSecretArn"], told["DatabaseSecretArn"]
    definitions = json.dumps(_definition(summary))
    assert application in definitions
    assert administrator not in definitions
    assert told["DatabaseInstanceId"] in definitions  # a replaced instance replaces the tasks
    assert _read(summary, application)["username"] == "application_a"
    failed, answered, ended = list[str](), list[int](), threading.Event()

    def load() -> None:
        while not ended.is_set():
            try:
                with urllib.request.urlopen(_notes(summary), timeout=20) as answer:
                    answered.append(len(json.load(answer)))
            except (OSError, ValueError) as error:
                failed.append(str(error))
            ended.wait(0.05)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        # The third waits until the tasks that have read the first user's password are gone.
        users = [_rotate(summary, one) for one in (application, administrator, application)]
        _settled(summary, told)
    finally:
        ended.set()
        thread.join()
    assert users == ["application_b", "underpass", "application_a"]
    assert failed == []
    assert len(answered) > 20
    data = json.dumps({"title": "rotated", "body": ""}).encode()
    request = urllib.request.Request(_notes(summary), data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status in {200, 201}


def _notes(summary: Any) -> str:
    return f"{summary['consumers']['analytics']['url']}api/notes"


def _stack(summary: Any, name: str) -> dict[str, Any]:
    found = client(summary, "cloudformation").describe_stacks(StackName=name)["Stacks"]
    return dict(found[0])


def _definition(summary: Any) -> dict[str, Any]:
    ecs = client(summary, "ecs")
    (arn,) = ecs.list_task_definitions()["taskDefinitionArns"]
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return {key: found[key] for key in ("containerDefinitions",)}


def _read(summary: Any, secret: str) -> dict[str, Any]:
    found = client(summary, "secretsmanager").get_secret_value(SecretId=secret)
    return dict(json.loads(found["SecretString"]))


def _rotate(summary: Any, secret: str) -> str:
    """Rotate a secret and return whose it is then."""
    secrets, before = client(summary, "secretsmanager"), _read(summary, secret)["password"]
    secrets.rotate_secret(SecretId=secret)
    deadline = time.monotonic() + LONGEST_S
    while _read(summary, secret)["password"] == before:
        assert time.monotonic() < deadline, "the rotation does not come to its end"
        time.sleep(0.2)
    return str(_read(summary, secret)["username"])


def _settled(summary: Any, told: dict[str, str]) -> None:
    """Wait until the tasks of the last rotation have taken over."""
    ecs, deadline = client(summary, "ecs"), time.monotonic() + LONGEST_S
    while True:
        time.sleep(0.5)
        asked = {"cluster": told["ClusterName"], "services": [told["ServiceName"]]}
        (service,) = ecs.describe_services(**asked)["services"]
        if len(service["deployments"]) == 1:
            return
        assert time.monotonic() < deadline, "the tasks are not replaced"
