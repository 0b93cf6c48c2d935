"""The application's user in a real MariaDB, MARIADB's folder or this machine's own: ``make test-mariadb``."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.functional.rotation.conftest import HOST, MASTER, free_port

from underpass.rotation.line import DatabaseError, RefusedError
from underpass.rotation.mysql import Mysql
from underpass.twin.region.certificates import Authority
from underpass.twin.services.rds.cluster import AS_ORDINARY_USER

Values = Callable[..., dict[str, Any]]
A, B = "application_a", "application_b"
FOLDER = Path(os.environ.get("MARIADB", "/"))
SERVER, INSTALL = FOLDER / "usr/sbin/mariadbd", FOLDER / "usr/bin/mariadb-install-db"
QUOTED = MASTER["password"].replace("'", "''")
# What RDS gives its master user, as far as it matters; and a database with what grants take for a sign.
SETUP = f"""
CREATE DATABASE my_app;
CREATE DATABASE myxapp;
CREATE USER '{MASTER["username"]}'@'%' IDENTIFIED BY '{QUOTED}' REQUIRE SSL;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,
  SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT,
  CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, DELETE HISTORY
  ON *.* TO '{MASTER["username"]}'@'%' WITH GRANT OPTION;
"""


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Values]:
    if not (SERVER.exists() and INSTALL.exists() and shutil.which("unshare")):
        pytest.skip(f"there is no {SERVER}: this machine has no MariaDB")
    folder = tmp_path_factory.mktemp("mariadb")
    libraries = ":".join(str(FOLDER / one / "x86_64-linux-gnu") for one in ("usr/lib", "lib"))
    environment = {"PATH": os.defpath, "LD_LIBRARY_PATH": libraries}
    chain, key = Authority(folder / "tls").issue(["db.example"])
    subprocess.run(
        [
            *(*AS_ORDINARY_USER, INSTALL, "--no-defaults", f"--basedir={FOLDER / 'usr'}"),
            *(f"--datadir={folder / 'data'}", "--skip-test-db", "--skip-name-resolve"),
            "--auth-root-authentication-method=normal",
        ],
        env=environment,
        check=True,
        capture_output=True,
    )
    (folder / "setup.sql").write_text(SETUP.replace("\n  ", " "))
    port, log = free_port(), folder / "general.log"
    server = subprocess.Popen(
        [
            *(*AS_ORDINARY_USER, SERVER, "--no-defaults", f"--basedir={FOLDER / 'usr'}"),
            *(
                f"--datadir={folder / 'data'}",
                f"--socket={folder / 's'}",
                f"--pid-file={folder / 'p'}",
            ),
            *(f"--bind-address={HOST}", f"--port={port}", f"--init-file={folder / 'setup.sql'}"),
            *(f"--ssl-cert={chain}", f"--ssl-key={key}", "--require-secure-transport=ON"),
            *("--general-log=ON", f"--general-log-file={log}", "--skip-name-resolve"),
        ],
        env=environment,
        stderr=(folder / "log").open("w"),
    )

    def value(**more: Any) -> dict[str, Any]:
        return {**MASTER, "dbname": "my_app", "host": HOST, "port": port, "log": log, **more}

    try:
        for _ in range(100):
            try:
                Mysql(value()).close()
                break
            except OSError:
                time.sleep(0.2)
        yield value
    finally:
        server.terminate()
        server.wait()


def make(mariadb: Values, username: str, password: str) -> dict[str, Any]:
    """Have a user made, twice: it may be repeated."""
    value = mariadb(username=username, password=password)
    for _ in range(2):
        session = Mysql(mariadb())
        session.make(value)
        session.close()
    return value


def ask(value: dict[str, Any], *statements: str) -> None:
    session = Mysql(value)
    for one in statements:
        session.ask(one)
    session.close()


def test_both_users_have_all_of_the_database_and_nothing_else(mariadb: Values) -> None:
    a, b = make(mariadb, A, "one"), make(mariadb, B, "two")
    ask(a, "CREATE TABLE notes (n INT)", "CREATE VIEW v AS SELECT n FROM notes")
    ask(b, "ALTER TABLE notes ADD COLUMN m INT", "INSERT INTO notes VALUES (1, 2)", "DROP VIEW v")
    for value in (a, b):
        for sql in ("USE myxapp", "CREATE USER x", "CREATE DATABASE y"):
            with pytest.raises((DatabaseError, RefusedError)):
                ask(value, sql)


def test_the_one_in_use_is_let_in_while_the_other_changes(mariadb: Values) -> None:
    a, old = make(mariadb, A, "in use"), make(mariadb, B, "old")
    new = make(mariadb, B, "n'e\\w")
    for value in (a, new):
        Mysql(value).close()
    with pytest.raises(RefusedError, match="1045"):
        Mysql(old)


def test_the_master_changes_its_own_password(mariadb: Values) -> None:
    old, new = mariadb(), mariadb(password="another")
    session = Mysql(old)
    session.change(new)
    session.close()
    with pytest.raises(RefusedError):
        Mysql(old)
    session = Mysql(new)
    session.change(old)
    session.close()


def test_no_password_reaches_the_log_of_statements(mariadb: Values) -> None:
    value = make(mariadb, A, "NeverTellAnybody")
    log = value["log"].read_text()
    assert "ALTER USER" in log
    assert "NeverTellAnybody" not in log
