from __future__ import annotations

import threading
from pathlib import Path

import pytest

from underpass.errors import UnderpassError
from underpass.twin.services.rds import cluster
from underpass.twin.services.rds.versions import Binaries, installed


def folder(databases: Path, name: str) -> Path:
    made = databases / name
    made.mkdir(parents=True)
    return made / "data"


def blanks(databases: Path) -> list[str]:
    return sorted(one.name for one in databases.glob("blank*"))


def test_one_made_ahead_becomes_the_first_database_s(tmp_path: Path) -> None:
    databases, newest = tmp_path / "databases", installed()[-1]
    cluster.make_ahead(databases, newest.version)
    (blank,) = blanks(databases)
    made_once = (databases / blank).stat().st_ino
    first, second = folder(databases, "a"), folder(databases, "b")
    cluster.make(first, newest)
    cluster.make(second, newest)
    assert first.stat().st_ino == made_once
    assert {first.joinpath("PG_VERSION").read_text().strip()} == {str(newest.major)}
    assert second.joinpath("PG_VERSION").exists()
    assert blanks(databases) == []


def test_one_in_the_making_is_waited_for(tmp_path: Path) -> None:
    databases, newest = tmp_path / "databases", installed()[-1]
    making = threading.Thread(target=cluster.make_ahead, args=(databases, newest.version))
    data = folder(databases, "a")
    making.start()
    while not blanks(databases):
        assert making.is_alive()
    cluster.make(data, newest)
    making.join()
    assert data.joinpath("PG_VERSION").exists()
    assert blanks(databases) == []


def test_none_is_made_where_there_are_data_or_the_version_is_not(tmp_path: Path) -> None:
    cluster.make_ahead(tmp_path / "databases", "9")
    folder(tmp_path, "a").mkdir()
    cluster.make_ahead(tmp_path, installed()[-1].version)
    assert blanks(tmp_path) == blanks(tmp_path / "databases") == []


def test_what_an_earlier_region_made_and_nobody_took_goes(tmp_path: Path) -> None:
    folder(tmp_path, "a").mkdir()
    for left in ("blank-9.1", "blank-9.1.new", f"blank-{installed()[-1].version}"):
        (tmp_path / left).mkdir()
    cluster.make_ahead(tmp_path, installed()[-1].version)
    assert blanks(tmp_path) == []


def test_what_initdb_says_is_told(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "initdb").write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    data = folder(tmp_path, "a")
    with pytest.raises(UnderpassError, match="cannot be made") as caught:
        cluster.make(data, Binaries("16.1", programs))
    assert caught.value.why == "no room"
    assert not data.exists()
