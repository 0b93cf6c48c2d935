"""``status`` tells what failed in the region, and exits with 1 while something of it is down."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from underpass.cli.main import main
from underpass.twin.host.running_twins import PROTOCOL, Running, start_time, state_folder
from underpass.twin.region.control_socket import ControlSocket

BALANCERS = {"name": "balancers", "failures": 3, "error": "OSError: no", "since": 1.7e9}


def region(folder: Path, *failures: dict[str, Any]) -> None:
    """Have an empty twin run in a folder, as far as its record and its control socket say."""
    state = state_folder(folder)
    state.mkdir(parents=True)
    started = start_time(os.getpid()) or 0
    Running(state, "", os.getpid(), started, "us-east-1", 4577, protocol=PROTOCOL).save()
    answer = {"failures": failures, "records": True}
    ControlSocket(state, {"status": lambda *_: answer}).start()


@pytest.mark.parametrize(("down", "word"), [(True, "down"), (False, "back")])
def test_a_worker_that_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, down: bool, word: str
) -> None:
    region(tmp_path, {**BALANCERS, "down": down})
    assert main(["status", str(tmp_path)]) == int(down)
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert all(part in line for part in ("balancers", word, "3 times", "OSError: no"))
    assert main(["status", str(tmp_path), "--json"]) == int(down)
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is not down
    assert told["failures"] == [{**BALANCERS, "down": down}]


def test_a_region_in_which_nothing_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    region(tmp_path)
    assert main(["status", str(tmp_path)]) == 0
    assert "failures" not in capsys.readouterr().out
