"""``env``: a shell that has evaluated it reaches the twin, whatever was set before."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from underpass.cli.main import main
from underpass.twin.host.running_twins import PROTOCOL, Running, start_time, state_folder
from underpass.twin.region import credentials

BEFORE = {
    "AWS_PROFILE": "somebody",
    "AWS_SESSION_TOKEN": "of another account's",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL_ANY_OTHER": "http://127.0.0.1:1",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_DEFAULT_REGION": "eu-north-1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose twin runs, as far as its record says: in this process."""
    folder = tmp_path / "it's a $HOME"
    state = state_folder(folder)
    state.mkdir(parents=True)
    started = start_time(os.getpid())
    assert started
    Running(state, "notes", os.getpid(), started, "eu-west-1", 4577, protocol=PROTOCOL).save()
    return folder


def test_a_shell_evaluates_it(folder: Path) -> None:
    key = credentials.ensure(state_folder(folder))
    command = shlex.join([sys.executable, "-c", "from underpass.cli.main import run; run()", "env"])
    script = f'eval "$({command} {shlex.quote(str(folder))})" && env'
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ["PATH"], **BEFORE},
        capture_output=True,
        text=True,
        check=True,
    )
    there = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {name: value for name, value in there.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4577",
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def test_json_says_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = credentials.ensure(state_folder(folder))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    assert main(["env", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["set"]["AWS_SECRET_ACCESS_KEY"] == key.secret_access_key
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} <= set(said["unset"])


def test_where_no_twin_runs_it_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["env", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "", "nothing for a shell to evaluate"
    assert "underpass up" in printed.err


@pytest.mark.parametrize("held", [None, "", "{}", '{"access_key_id": "A", "other": 1}', "[]"])
def test_a_key_that_is_none_is_told(
    folder: Path, held: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if held is not None:
        (state_folder(folder) / "credentials.json").write_text(held)
    assert main(["env", str(folder)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "credentials.json" in printed.err
    assert "underpass up" in printed.err
