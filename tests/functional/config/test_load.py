"""Loading from disk: which file, and the paths it names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from underpass.config import ConfigError, load

_DAC = "-dac_override,-dac_read_search"  # what lets root read everything
_LOAD = "import pathlib, sys, underpass.config as c; c.load(pathlib.Path(sys.argv[1]))"
TEXT = """\
name = "notes"
[service]
build = "app"
port = 8000
[database]
seed = "data/seed.sql"
[assets]
source = "static"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "underpass.toml").write_text(TEXT)
    (tmp_path / "app").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "seed.sql").touch()
    (tmp_path / "static").mkdir()
    return tmp_path


def test_a_folder_or_a_file_may_be_named(folder: Path) -> None:
    assert load(folder) == load(folder / "underpass.toml")
    assert load(folder).folder == folder
    (folder / "underpass.toml").rename(folder / "other.toml")
    assert load(folder / "other.toml").name == "notes"


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(folder: Path) -> None:
    (folder / "underpass.toml").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert load(folder).name == "notes"
    (folder / "underpass.toml").write_bytes(
        TEXT.replace("8000", "0").replace("\n", "\r\n").encode()
    )
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert [problem.line for problem in caught.value.problems] == [4]


def test_what_is_named_and_is_not_there_is_told_with_what_is(folder: Path) -> None:
    (folder / "data" / "seed.sql").rename(folder / "data" / "seeds.sql")
    (folder / "app").rmdir()
    (folder / "app").touch()
    with pytest.raises(ConfigError) as caught:
        load(folder)
    file = folder / "underpass.toml"
    assert caught.value.why.splitlines() == [
        f'{file}:3: service.build: "app" is a file, not a folder; write "."',
        f'{file}:6: database.seed: there is no file "data/seed.sql"; did you mean "seeds.sql"?',
    ]


def test_a_sidecars_folder_is_looked_for_too(folder: Path) -> None:
    file = folder / "underpass.toml"
    file.write_text(f'{TEXT}\n[[service.sidecars]]\nname = "proxy"\nbuild = "ap"\n')
    with pytest.raises(ConfigError) as caught:
        load(folder)
    (problem,) = caught.value.problems
    assert problem.key == "service.sidecars[0].build"
    assert (problem.message, problem.suggestion) == (
        'there is no folder "ap"',
        'did you mean "app"?',
    )


def test_a_folder_where_a_file_is_needed_is_called_one(folder: Path) -> None:
    file = folder / "underpass.toml"
    file.write_text(TEXT.replace("data/seed.sql", "data"))
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert caught.value.why == (
        f'{file}:6: database.seed: "data" is a folder, not a file; name a file in it'
    )


def test_a_problem_takes_one_line_whatever_its_value(folder: Path) -> None:
    (folder / "underpass.toml").write_text(TEXT.replace('"app"', '"a\\nb"'))
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert caught.value.why.splitlines() == [
        f'{folder}/underpass.toml:3: service.build: there is no folder "a\\nb"'
    ]


@pytest.mark.parametrize("value", ["\\u0000", "x" * 5000])
def test_what_cannot_be_a_path_is_a_problem(folder: Path, value: str) -> None:
    file = folder / "underpass.toml"
    file.write_text(TEXT.replace('"app"', f'"{value}"'))
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert [problem.key for problem in caught.value.problems] == ["service.build"]


def test_what_may_not_be_read_is_a_problem(folder: Path) -> None:
    (folder / "app").chmod(0o600)  # its files can be listed and not opened
    (folder / "data" / "seed.sql").chmod(0)
    plain = [] if os.geteuid() else ["setpriv", f"--bounding-set={_DAC}", f"--inh-caps={_DAC}"]
    done = subprocess.run(
        [*plain, sys.executable, "-c", _LOAD, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'service.build: the folder "app" may not be read' in done.stderr
    assert 'database.seed: the file "data/seed.sql" may not be read' in done.stderr


def test_no_file_is_told_with_the_way_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert caught.value.what == f"there is no {tmp_path}/underpass.toml"
    assert caught.value.try_next == f"run `underpass init {tmp_path}` to write one"
    assert [problem.message for problem in caught.value.problems] == ["does not exist"]
    assert caught.value.exit_status == 2


def test_a_name_with_a_blank_is_quoted_in_what_to_run_next(tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    folder.mkdir()
    with pytest.raises(ConfigError) as caught:
        load(folder)
    assert caught.value.try_next == f"run `underpass init '{folder}'` to write one"


def test_a_name_the_system_does_not_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / ("x" * 300))
    assert caught.value.what.endswith("xxx cannot be read")
    assert caught.value.why == "File name too long"
    assert "another folder" in caught.value.try_next
    assert caught.value.problems[0].message == "cannot be read: File name too long"


def test_no_folder_is_told_without_offering_to_write_into_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "nowhere")
    assert "init" not in caught.value.try_next


def test_a_file_that_is_not_text_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "underpass.toml").write_bytes(b'name = "notes"\n\xff\n')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (2, "is not UTF-8")
    ]
