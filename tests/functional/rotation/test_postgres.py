"""The application's user in a real PostgreSQL, through our own few hundred bytes of its protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from underpass.rotation.line import RefusedError
from underpass.rotation.postgres import Postgres

Values = Callable[..., dict[str, Any]]
A, B = "application_a", "application_b"


def ask(value: dict[str, Any], sql: str) -> list[tuple[Any, ...]]:
    """Ask as an application does, through libpq."""
    with psycopg.connect(
        host=value["host"],
        port=value["port"],
        dbname=value["dbname"],
        user=value["username"],
        password=value["password"],
    ) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def make(postgres: Values, username: str, password: str) -> dict[str, Any]:
    """Have a user made, twice: it may be repeated."""
    value = postgres(username=username, password=password)
    for _ in range(2):
        session = Postgres(postgres())
        session.make(value)
        session.close()
    return value


def test_whatever_either_user_makes_is_the_owners(postgres: Values) -> None:
    master = postgres()
    ask(master, "create table before (n int); insert into before values (1)")
    a = make(postgres, A, "its first password")
    ask(a, "create table notes (id serial primary key, body text); create schema more")
    assert ask(a, "select current_user, session_user") == [("application", A)]
    b = make(postgres, B, "the other's")
    ask(b, "alter table notes add column more text; alter table before add column m int")
    ask(b, "create function one() returns int language sql as 'select 1'; drop schema more")
    ask(a, "drop function one(); insert into notes (body) values ('x')")
    owners = "select distinct tableowner from pg_tables where schemaname = 'public'"
    assert ask(b, owners) == [("application",)]
    databases = dict(ask(b, "select datname, pg_get_userbyid(datdba) from pg_database"))
    assert (databases["app"], databases["postgres"]) == ("application", "underpass")
    assert databases["template1"] == "rdsadmin"
    for value in (a, b):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(value, "create role another")


def test_what_was_made_outside_the_role_comes_to_the_owner_too(postgres: Values) -> None:
    a = make(postgres, A, "p")
    ask(a, "set role none; create schema strays; create table strays.stray (n int)")
    b = make(postgres, B, "p")
    ask(b, "alter table strays.stray add column m int; drop schema strays cascade")


def test_the_one_in_use_is_let_in_while_the_other_changes(postgres: Values) -> None:
    a = make(postgres, A, "in use")
    old = make(postgres, B, "old")
    make(postgres, B, "new")
    assert ask(a, "select 1") == [(1,)]
    Postgres(a).close()
    with pytest.raises(RefusedError, match="28P01"):
        Postgres(old)


def test_the_master_changes_its_own_password(postgres: Values) -> None:
    old, new = postgres(), postgres(password="another")
    session = Postgres(old)
    session.change(new)
    session.close()
    with pytest.raises(RefusedError):
        Postgres(old)
    session = Postgres(new)
    session.change(old)
    session.close()


def test_no_password_reaches_the_log_of_statements(postgres: Values) -> None:
    value = make(postgres, A, "NeverTellAnybody")
    log = value["log"].read_text()
    assert "ALTER ROLE" in log
    assert "NeverTellAnybody" not in log
    assert "the master's" not in log


def test_a_database_that_is_not_there_is_an_error_of_the_network(postgres: Values) -> None:
    with pytest.raises(ConnectionRefusedError):
        Postgres(postgres(port=1))


def test_an_error_tells_what_the_server_said(postgres: Values) -> None:
    session = Postgres(postgres())
    with pytest.raises(Exception, match="42P01 relation") as caught:
        session.ask("select * from nothing")
    assert type(caught.value).__name__ == "DatabaseError"
    assert session.ask("select 1, null, 'it''s'") == [["1", "", "it's"]]
    session.close()
