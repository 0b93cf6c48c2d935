"""Running SQL through the wheel's own psql: nothing to import, and its quoting is PostgreSQL's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from underpass.errors import UnderpassError
from underpass.twin.services.rds.cluster import SUPERUSER
from underpass.twin.services.rds.server import Spec

_PREPARE = r"""
SET log_min_error_statement = panic; SET log_statement = none; SET log_min_duration_statement = -1;
\getenv username MASTER_USERNAME
\getenv password MASTER_PASSWORD
\getenv database DATABASE_NAME
SELECT 'CREATE ROLE rds_superuser IN ROLE pg_monitor, pg_signal_backend, pg_checkpoint'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') \gexec
SELECT format('CREATE ROLE %I', :'username')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'username') \gexec
ALTER ROLE :"username" WITH LOGIN CREATEDB CREATEROLE PASSWORD :'password';
GRANT rds_superuser TO :"username" WITH ADMIN OPTION;
ALTER DATABASE postgres OWNER TO :"username";
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'username')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
"""


@dataclass(frozen=True)
class Line:
    """How to reach a database: ``enter`` leads to the network namespace to connect from."""

    program: str
    host: str
    port: int
    user: str
    database: str
    password: str = ""
    enter: tuple[str, ...] = ()


def psql(
    line: Line,
    arguments: Sequence[str],
    *,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run psql with ``arguments`` and return how it ended; ``text`` is its standard input."""
    return subprocess.run(
        [*line.enter, *command(line, arguments)],
        input=text if text is not None else "",
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        timeout=60,
        check=False,
        env={**variables(line), **(environment or {})},
    )


def command(line: Line, arguments: Sequence[str]) -> tuple[str, ...]:
    """Return psql's command line: nothing of the user's own settings, and the first error ends it."""
    return (line.program, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *arguments)


def variables(line: Line) -> dict[str, str]:
    """Return the environment psql is run with."""
    return {
        "PATH": os.defpath,
        "PGHOST": line.host,
        "PGPORT": str(line.port),
        "PGUSER": line.user,
        "PGDATABASE": line.database,
        "PGPASSWORD": line.password,
        "PGCONNECT_TIMEOUT": "10",
        "PGCLIENTENCODING": "UTF8",
        "LC_ALL": "C.UTF-8",
    }


def prepare(spec: Spec, username: str, password: str, database: str) -> None:
    """Give a running server its master user, with that password, and its first database.

    The master user is what RDS makes it: no superuser, but a member of ``rds_superuser`` that may create
    roles and databases. What exists stays, and the password is set anew.

    Raises
    ------
    UnderpassError
        With PostgreSQL's message.
    """
    line = Line(spec.binaries.program("psql"), str(spec.sockets), spec.port, SUPERUSER, "postgres")
    done = psql(
        line,
        ["--file=-"],
        text=_PREPARE,
        environment={
            "MASTER_USERNAME": username,
            "MASTER_PASSWORD": password,
            "DATABASE_NAME": database or "postgres",
        },
    )
    if done.returncode != 0:
        raise UnderpassError("the master user could not be set up", done.stderr.strip())
