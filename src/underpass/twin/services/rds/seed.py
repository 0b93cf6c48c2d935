"""The seed: a file of SQL that is loaded once into a database, all of it or nothing.

It comes as the application does, with the secret's user, and what it makes is the application's: that user's
role is the owner of all there is. But it comes from within: the wheel's psql has no TLS.
It may hold psql's own commands, which start programs and open files, so it is read where tasks run: in a
sandbox, with the folder it lies in, read-only, as ``/app``.
What was loaded is written on the database itself (``COMMENT ON DATABASE``), so the mark lives and dies
with the data.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from underpass.errors import UnderpassError
from underpass.twin.linux.isolation import APP_DIR, Spec, Volume
from underpass.twin.region.context import Region
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.rds import confined, interface
from underpass.twin.services.rds.psql import Line, command, psql, variables
from underpass.twin.services.rds.server import inner
from underpass.twin.services.rds.statements import transaction_end
from underpass.twin.services.rds.versions import find

_MARK = "underpass seed sha256:"
_TIMEOUT_S = 570.0
_CHANGED = "the seed file changed since it was loaded; the database keeps the data it has"
_READ_MARK = (
    "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
    " WHERE datname = current_database()"
)
_WHERE = re.compile(r"^psql:(?P<file>.*):(?P<line>\d+): (?P<message>ERROR: .*)$", re.MULTILINE)
_STATEMENT = re.compile(r"^psql:[^\n]*:\d+: STATEMENT:  (?P<text>.*)", re.MULTILINE | re.DOTALL)
_WITHIN = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_EXCERPT = 400


class SeedError(UnderpassError):
    """The database refused a statement of the seed; nothing of the file was kept.

    Attributes
    ----------
    file, line
        Where the statement is.
    statement
        Its text.
    message
        What PostgreSQL said.
    """

    def __init__(self, file: Path, line: int, statement: str, message: str) -> None:
        self.file, self.line, self.statement, self.message = file, line, statement, message
        excerpt = statement if len(statement) <= _EXCERPT else statement[:_EXCERPT] + " ..."
        super().__init__(
            f"the seed cannot be loaded: {file}:{line}",
            "\n".join(part for part in (message, excerpt) if part),
            "correct the file and run the command again; nothing of it was kept",
        )


@dataclass(frozen=True)
class Loaded:
    """How it went: true when the file was loaded now; ``note`` says what else a user should know."""

    now: bool
    note: str = ""

    def __bool__(self) -> bool:
        return self.now


def load_seed(
    region: Region, fabric: Fabric, instance_id: str, secret_arn: str, seed: Path
) -> Loaded:
    """Load ``seed`` unless the database holds it already.

    A file that differs from the one that was loaded is not loaded on top of it: the answer's note says so.

    Raises
    ------
    SeedError
        When the database refuses a statement.
    UnderpassError
        When the file cannot be read or the database not be reached.
    """
    try:
        content = seed.read_bytes()
    except OSError as error:
        raise UnderpassError("the seed cannot be read", f"{seed}: {error.strerror}") from error
    line, network = _line(region, fabric, instance_id, secret_arn)
    mark = _MARK + hashlib.sha256(content).hexdigest()
    there = _read_mark(line)
    if there.startswith(_MARK):
        return Loaded(now=False, note="" if there == mark else _CHANGED)
    _check(seed, content)
    _run(region, line, network, seed.resolve(), mark)
    return Loaded(now=True)


def _line(region: Region, fabric: Fabric, instance_id: str, secret_arn: str) -> tuple[Line, str]:
    """Return the way to where the database's server listens, and the path of the namespace it is in."""
    described = region.clients("rds").describe_db_instances(DBInstanceIdentifier=instance_id)
    instance = described["DBInstances"][0]
    eni = interface.find(region.clients("ec2"), instance_id)
    if eni is None or instance["DBInstanceStatus"] != "available":
        raise UnderpassError(
            "the database is not available", f"{instance_id} is {instance['DBInstanceStatus']}"
        )
    secret = region.clients("secretsmanager").get_secret_value(SecretId=secret_arn)
    credentials = json.loads(secret["SecretString"])
    binaries = find(instance["EngineVersion"])
    assert binaries is not None
    line = Line(
        program=binaries.program("psql"),
        host=inner(eni.address),
        port=instance["Endpoint"]["Port"],
        user=credentials["username"],
        password=credentials["password"],
        database=instance.get("DBName") or "postgres",
        enter=tuple(fabric.enter(eni.id)),
    )
    return line, fabric.path(eni.id)


def _read_mark(line: Line) -> str:
    read = psql(line, ["--tuples-only", "--no-align", f"--command={_READ_MARK}"])
    if read.returncode != 0:
        raise UnderpassError("the database cannot be reached", read.stderr.strip())
    return read.stdout.strip()


def _check(seed: Path, content: bytes) -> None:
    """Refuse a file that is no text, or that ends the one transaction it is loaded in."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise SeedError(seed, number, "", f"not UTF-8: {error.reason}") from error
    ending = transaction_end(text)
    if ending:
        raise SeedError(
            seed,
            ending.line,
            ending.text,
            "the file is loaded in one transaction, and this would end it halfway; leave it out",
        )


def _run(region: Region, line: Line, network: str, seed: Path, mark: str) -> None:
    """Load the file and mark the database, in one transaction."""
    quoted = '"' + line.database.replace('"', '""') + '"'
    arguments = (
        *("--echo-errors", "--single-transaction", "--output=/dev/null", "--file=-"),
        f"--command=COMMENT ON DATABASE {quoted} IS '{mark}'",
    )
    programs = Path(line.program).parents[1]  # with their libraries
    spec = Spec(
        app=seed.parent,
        argv=command(line, arguments),
        environment=variables(line),
        root=region.run / "seed",
        network=network,
        hostname="seed",
        volumes=(Volume(programs, str(programs), writable=False),),
        read_only=True,
        hidden=(region.state,),
    )
    with seed.open("rb") as text:
        ended = confined.run(spec, text.fileno(), _TIMEOUT_S)
    if ended is None:
        raise UnderpassError(
            "the seed takes too long", f"{seed} was not loaded within {_TIMEOUT_S:.0f} s"
        )
    if ended.exit_code != 0:
        raise _explain(ended.said, seed)


def _explain(said: str, seed: Path) -> UnderpassError:
    """Return what went wrong from what psql wrote: the message, the statement, and where it is."""
    where = _WHERE.search(said)
    if where is None:
        return UnderpassError("the seed cannot be loaded", said.strip() or "psql failed")
    found = _STATEMENT.search(said)
    statement = found["text"].strip() if found else ""
    number = int(where["line"]) - statement.count("\n")  # psql names the line a statement ends on
    within = _WITHIN.search(said)
    if within:
        number += int(within[1]) - 1
    said = said[where.start("message") : found.start() if found else None].strip()
    named = where["file"].removeprefix(f"{APP_DIR}/")  # another one when the seed includes it
    file = seed if named == "<stdin>" else seed.parent / named
    return SeedError(file, number, statement, said)
