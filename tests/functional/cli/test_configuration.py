"""``init``, ``check`` and ``schema`` as a newcomer runs them."""

import json
from pathlib import Path

import pytest

from underpass.cli.main import main
from underpass.config import load


def test_what_init_writes_can_be_used_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "42 My_Shop2"
    assert main(["init", str(folder)]) == 0
    assert main(["check", str(folder)]) == 0
    assert load(folder).name == "my-shop2"
    assert load(folder).domain == "my-shop2.internal"
    assert capsys.readouterr().out.splitlines()[-1] == f"{folder}/underpass.toml: ok"


def test_init_uses_the_folder_it_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "x"  # too short for a name
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main(["init"]) == 0
    assert load(Path()).name == "app"


def test_init_keeps_a_file_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "underpass.toml"
    file.write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert file.read_text() == "mine"
    assert "--yes" in capsys.readouterr().err
    assert main(["init", str(tmp_path), "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "file": str(file)}
    assert load(tmp_path).service.port == 8000


def test_init_into_what_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file" / "folder")]) == 2
    told = capsys.readouterr().err
    assert "Not a directory" in told
    assert "next: name a folder" in told


@pytest.mark.parametrize("there", [True, False])
def test_init_of_the_file_itself_is_told_to_name_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    folder = tmp_path / "my shop"
    file = folder / "underpass.toml"
    if there:
        folder.mkdir()
        file.write_text("mine")
    for options in ([], ["--yes"]):
        assert main(["init", str(file), *options]) == 2
        assert f"name the folder: run `underpass init '{folder}'`" in capsys.readouterr().err
    assert folder.exists() is there
    assert not there or file.read_text() == "mine"


@pytest.mark.parametrize("name", ["aws-app", "fargate", "ec2"])
def test_a_folder_with_a_name_of_awss_is_no_obstacle(tmp_path: Path, name: str) -> None:
    assert main(["init", str(tmp_path / name)]) == 0
    assert main(["check", str(tmp_path / name)]) == 0
    assert load(tmp_path / name).name == f"app-{name}"


def test_check_lists_every_problem_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "underpass.toml"
    file.write_text('name = "notes"\n[service]\nbuild = "."\nprot = 80\n[network]\nzones = 5\n')
    assert main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"underpass: {file} has 2 problems",
        f"  {file}:4: service.prot: is not a key of [service]; did you mean port?",
        f"  {file}:6: network.zones: 5 is not 2 or 3",
        f"next: change the file, then run `underpass check {tmp_path}`",
    ]
    assert main(["check", str(tmp_path), "--json"]) == 2
    problems = json.loads(capsys.readouterr().out)["error"]["problems"]
    assert [(problem["line"], problem["key"]) for problem in problems] == [
        (4, "service.prot"),
        (6, "network.zones"),
    ]


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_the_schema_is_json(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", *option]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "underpass.toml"


def test_check_warns_with_the_line_and_succeeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "underpass.toml"
    file.write_text(
        'name = "notes"\n[service]\nbuild = "."\nport = 80\n'
        '[[consumers]]\nname = "analytics"\naccount = "222222222222"\n'
    )
    assert main(["check", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{file}: ok\n"
    assert told.err.startswith(
        f"! {file}:7: consumers[0].account: account 222222222222 comes by HTTP"
    )
    assert main(["check", str(tmp_path), "--json"]) == 0
    told = capsys.readouterr()
    (warning,) = json.loads(told.out)["warnings"]
    assert (warning["line"], warning["key"]) == (7, "consumers[0].account")
    assert not told.err
