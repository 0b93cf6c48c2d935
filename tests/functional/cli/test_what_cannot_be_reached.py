"""Folders, and outputs, that the system does not let the command line use: told, and never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from underpass.cli.main import main

COMMANDS = ["init", "check", "plan", "template", "up", "down", "status", "logs", "open"]
DAC = "-dac_override,-dac_read_search"  # what lets root read everything
PLAIN = [] if os.geteuid() else ["setpriv", f"--bounding-set={DAC}", f"--inh-caps={DAC}"]
RUN = "import sys; from underpass.cli.main import run; sys.argv[0] = 'underpass'; run()"


def underpass(*words: str, cwd: Path, output: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without root's rights."""
    script = [*PLAIN, sys.executable, "-c", RUN, *words]
    if not output:
        return subprocess.run(script, capture_output=True, text=True, check=False, cwd=cwd)
    with Path(output).open("w") as opened:
        return subprocess.run(
            script, stdout=opened, stderr=subprocess.PIPE, text=True, check=False, cwd=cwd
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_too_long(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "x" * 300, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["why"] == "File name too long"
    assert told["next"] == "name another folder"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_to_itself(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert main([command, str(loop)]) == 2
    assert f"cannot look into {loop}\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "down"])
@pytest.mark.parametrize(
    ("below", "says"),
    [
        ("closed", "path 'closed' is not readable"),
        (
            "closed/app",
            "cannot look into closed/app\n  Permission denied\nnext: name another folder",
        ),
    ],
)
def test_a_closed_folder(command: str, below: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "closed" / "app").mkdir(parents=True)
    (tmp_path / "closed").chmod(0)
    done = underpass(command, below, cwd=tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["init", "check", "template"])
def test_a_working_directory_that_is_gone(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main([command]) == 2
    assert "the working directory is not there any more" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("schema",), ("--help",), ("template", "app"), ("check", "no", "--json")]
)
def test_an_output_that_is_full(words: tuple[str, ...], tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "app")]) == 0
    done = underpass(*words, cwd=tmp_path, output="/dev/full")
    assert "Traceback" not in done.stderr
    if "no" in words:  # the error itself does not get through as JSON
        assert (done.returncode, "there is no no" in done.stderr) == (2, True)
    else:
        assert done.returncode == 1
        assert "No space left on device\nnext: make room" in done.stderr


def test_a_word_of_a_command_may_be_longer_than_any_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["init", str(tmp_path)]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["exec", "--in", "internet", "--", "x" * 300, "y"]) == 1
    assert "no twin runs here" in capsys.readouterr().err
