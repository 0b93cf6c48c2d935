"""``template``: the templates as other tools take them."""

import json
from pathlib import Path

import pytest

from underpass.cli.main import main

NAMES = [
    f"my-shop-{part}" for part in ("foundation", "service", "monitoring", "consumer-analytics")
]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "my-shop"
    assert main(["init", str(folder)]) == 0
    capsys.readouterr()
    return folder


def test_out_writes_a_file_for_each_stack(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "b"
    assert main(["template", str(folder), "--out", str(out)]) == 0
    files = [out / f"{name}.json" for name in NAMES]
    assert capsys.readouterr().out.split() == [*map(str, files)]
    assert all("Resources" in json.loads(file.read_text()) for file in files)


def test_standard_output_holds_one_document_after_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["template", str(folder)]) == 0
    rest = capsys.readouterr().out
    count = 0
    while rest.strip():
        _, end = json.JSONDecoder().raw_decode(rest)
        rest = rest[end:].lstrip()
        count += 1
    assert count == len(NAMES)


def test_json_names_each_stack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert list(told["stacks"]) == NAMES


def test_a_place_that_cannot_be_written_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "underpass.toml" / "out"
    assert main(["template", str(folder), "--out", str(out)]) == 2
    assert f"cannot write to {out}" in capsys.readouterr().err


def test_a_configuration_with_problems_gives_no_template(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "underpass.toml").write_text('name = "x"')
    assert main(["template", str(folder)]) == 2
    assert not capsys.readouterr().out
