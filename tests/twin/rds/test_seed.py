"""The seed file: loaded once, all of it or nothing, and what is wrong with it is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.twin.inside import run_inside

GOOD = """\
-- a comment with a ; in it
create table notes (id serial primary key, body text not null);
copy notes (body) from stdin;
first; and still the first
second
\\.
insert into notes (body) values ('it''s the third');
create function shout(text) returns text as $$ select upper($1); $$ language sql;
"""
BAD = """\
create table half (id int);

insert into half
values (1),
       (nonsense);
"""
VIOLATION = "create table half (id int not null);\ninsert into half values (null);\n"
HALFWAY = "create table half (id int);\ncommit;\nselect 1;\n"
INCLUDED = "create table half (id int);\n\\i parts/more.sql\n"
# Whatever of it works is told by the table, by the folder HOST, and by the process PID.
ESCAPES = r"""
create table seen (what text);
\copy seen from 'beside.txt'
\set ON_ERROR_STOP 0
\copy seen from 'HOST/secret'
\copy seen from '/app/state/databases/notes/data/PG_VERSION'
\copy seen to 'HOST/copied'
\copy seen to '/app/copied'
\o HOST/written
select 1;
\o | cat > HOST/piped
select 1;
\o
\! echo x > HOST/shell
\! echo x > shell
\! kill -9 PID
\copy seen from program 'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -o "sleep 12[3]"'
\copy seen from program 'ls -A state HOST 2>/dev/null; pwd'
\set ON_ERROR_STOP 1
"""


def load_them(folder: str, host: str) -> dict[str, Any]:
    """Load one file after the other; tell what was said, and what was in the database."""
    from tests.twin.rds.small_region import SmallRegion

    from underpass.errors import UnderpassError
    from underpass.twin.services.rds.seed import SeedError, load_seed

    place = Path(folder)
    small = SmallRegion(place / "state")
    small.create()
    secrets = small.region.clients("secretsmanager")
    arns = [
        secrets.create_secret(
            Name=name, SecretString=json.dumps({"username": "app", "password": password})
        )["ARN"]
        for name, password in (("right", "first-password"), ("wrong", "x"))
    ]

    def load(name: str, arn: str = arns[0]) -> dict[str, Any]:
        try:
            done = load_seed(small.region, small.fabric, "notes", arn, place / name)
        except SeedError as error:
            said = {"line": error.line, "statement": error.statement, "message": error.message}
            return {**said, "file": str(error.file), "tables": tables(), "text": str(error)}
        except UnderpassError as error:
            return {"error": str(error)}
        return {"loaded": bool(done), "note": done.note}

    def tables() -> list[str]:
        return [row[0] for row in small.query("select relname from pg_stat_user_tables")]

    bystander = subprocess.Popen(["sleep", "123"])
    escapes = ESCAPES.replace("HOST", host).replace("PID", str(bystander.pid))
    (place / "escapes.sql").write_text(escapes)
    seen: dict[str, Any] = {"too early": load("good.sql")}
    small.await_status("available")
    for name in (
        "missing.sql",
        "latin.sql",
        "bad.sql",
        "violation.sql",
        "halfway.sql",
        "included.sql",
    ):
        seen[name] = load(name)
    seen["wrong password"] = load("good.sql", arns[1])
    seen["escapes"] = load("escapes.sql")
    seen["escaped"] = small.query("select what from seen")
    seen["bystander"] = bystander.poll()
    small.query("comment on database notes is null; drop table seen")
    seen["first"] = load("good.sql")
    seen["rows"] = small.query("select body from notes order by id")
    small.region.clients("rds").reboot_db_instance(DBInstanceIdentifier="notes")
    small.await_status("available")
    seen["again"] = load("good.sql")
    (place / "good.sql").write_text(GOOD + "insert into notes (body) values ('more');\n")
    seen["changed"] = load("good.sql")
    seen["rows after"] = small.query("select count(*) from notes")
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, host = tmp_path_factory.mktemp("seed"), tmp_path_factory.mktemp("host")
    (host / "secret").write_text("the host's\n")
    (folder / "beside.txt").write_text("lies beside\n")
    (folder / "parts").mkdir()
    (folder / "parts" / "more.sql").write_text("select 1;\nselect nonsense;\n")
    (folder / "included.sql").write_text(INCLUDED)
    (folder / "good.sql").write_text(GOOD)
    (folder / "bad.sql").write_text(BAD)
    (folder / "violation.sql").write_text(VIOLATION)
    (folder / "halfway.sql").write_text(HALFWAY)
    (folder / "latin.sql").write_bytes(b"select 1;\nselect '\xe9';\n")
    found: dict[str, Any] = run_inside(load_them, str(folder), str(host))
    return {**found, "folder": folder, "host": host}


def test_loads_once(seen: dict[str, Any]) -> None:
    assert seen["first"] == {"loaded": True, "note": ""}
    assert seen["rows"] == [["first; and still the first"], ["second"], ["it's the third"]]
    assert seen["again"] == {"loaded": False, "note": ""}


def test_changed_file_is_not_loaded_on_top(seen: dict[str, Any]) -> None:
    assert not seen["changed"]["loaded"]
    assert "changed since it was loaded" in seen["changed"]["note"]
    assert seen["rows after"] == [[3]]


def test_statement_with_an_error_is_named_and_nothing_is_kept(seen: dict[str, Any]) -> None:
    bad = seen["bad.sql"]
    assert bad["file"] == str(seen["folder"] / "bad.sql")
    assert bad["line"] == 5
    assert bad["statement"].startswith("insert into half")
    assert 'column "nonsense" does not exist' in bad["message"]
    assert bad["tables"] == []
    assert f"{bad['file']}:5" in bad["text"]
    violation = seen["violation.sql"]
    assert violation["line"] == 2
    assert "violates not-null constraint" in violation["message"]
    assert violation["tables"] == []


def test_error_in_an_included_file_names_that_file(seen: dict[str, Any]) -> None:
    included = seen["included.sql"]
    assert (included["file"], included["line"]) == (str(seen["folder"] / "parts" / "more.sql"), 2)
    assert included["tables"] == []


def test_commands_of_psql_reach_nothing_but_the_folder_of_the_seed(seen: dict[str, Any]) -> None:
    assert seen["escapes"] == {"loaded": True, "note": ""}
    assert seen["escaped"] == [["lies beside"], ["/app"]]
    assert [path.name for path in seen["host"].iterdir()] == ["secret"]
    assert not {"copied", "shell"} & {path.name for path in seen["folder"].iterdir()}
    assert seen["bystander"] is None


def test_file_that_would_commit_halfway_is_refused(seen: dict[str, Any]) -> None:
    halfway = seen["halfway.sql"]
    assert (halfway["line"], halfway["statement"], halfway["tables"]) == (2, "commit;", [])


def test_other_failures_say_what_happened(seen: dict[str, Any]) -> None:
    assert "the database is not available" in seen["too early"]["error"]
    assert "No such file" in seen["missing.sql"]["error"]
    assert "password authentication failed" in seen["wrong password"]["error"]
    assert (seen["latin.sql"]["line"], seen["latin.sql"]["tables"]) == (2, [])
