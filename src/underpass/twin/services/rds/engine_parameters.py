"""The parameters of the twin's PostgreSQL as RDS describes an engine's: which there are, what each may be.

The server itself tells them (``postgres --describe-config``). RDS takes numbers in the server's own units,
and 0 or 1 for what is on or off.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from underpass.twin.services.rds.versions import Binaries, find

LIBRARIES = "shared_preload_libraries"
OWN_LIBRARIES = frozenset(
    {"pg_stat_statements", "pgaudit"}
)  # told to be missing, once the server runs
# RDS's own, and those of libraries that underpass's templates name and the twin's server may lack.
_BESIDE = {"rds.force_ssl": "static", "pgaudit.log": "dynamic"}
# What the twin has set for itself: where files are and who may connect, or what it reads the log by.
_ITS_OWN = """
    cluster_name config_file data_directory dynamic_shared_memory_type external_pid_file fsync
    full_page_writes hba_file huge_pages ident_file lc_messages listen_addresses log_destination
    log_directory log_file_mode log_filename log_min_messages logging_collector password_encryption port
    shared_memory_type ssl unix_socket_directories unix_socket_group unix_socket_permissions wal_level
"""
_PREFIXES = ("archive_", "event_source", "primary_", "recovery_", "restore_", "ssl_", "syslog_")


@dataclass(frozen=True)
class Parameter:
    """A parameter of an engine.

    Attributes
    ----------
    allowed
        What RDS would say that it may be: ``0,1`` or ``1-262143``; empty for any text.
    static
        Whether a change waits for the next start.
    """

    name: str
    kind: str
    allowed: str
    static: bool
    modifiable: bool

    def described(self) -> dict[str, object]:
        """Return it as RDS describes it."""
        return {
            "ParameterName": self.name,
            "DataType": self.kind,
            "AllowedValues": self.allowed,
            "ApplyType": "static" if self.static else "dynamic",
            "IsModifiable": self.modifiable,
            "Source": "engine-default",
        }


def of_family(family: str) -> Mapping[str, Parameter]:
    """Return the parameters of a family such as ``postgres16``; none of a family the twin does not run."""
    binaries = find(family.removeprefix("postgres")) if family.startswith("postgres") else None
    return _of(binaries) if binaries else {}


def refusal(family: str, name: str, value: str) -> str | None:
    """Return why RDS would not take a value; None when it would, or the twin does not know the family."""
    known = of_family(family)
    if not known:
        return None
    if name not in known:
        return f"Could not find parameter with name: {name}"
    found = known[name]
    if not found.modifiable:
        return f"The parameter {name} cannot be modified."
    if computed(value):
        return f"the twin does not compute {name}: {value}"
    if not _fits(value, found.allowed):
        return f"Invalid parameter value: {value} for: {name} allowed values are: {found.allowed}"
    return _asked(family, name, value) if found.kind == "string" and name != LIBRARIES else None


def computed(value: str) -> bool:
    """Tell whether RDS would compute a value from the instance's class."""
    return "{" in value


def _fits(value: str, allowed: str) -> bool:
    if not allowed:
        return True
    least, between, most = allowed.rpartition("-")
    if not between:
        return value in allowed.split(",")
    try:
        return float(least) <= float(value) <= float(most)
    except ValueError:
        return False


@cache
def _asked(family: str, name: str, value: str) -> str | None:
    """Ask the server itself, which looks at a value before it looks for its data."""
    binaries = find(family.removeprefix("postgres"))
    assert binaries
    nowhere = ["-D", "/nonexistent"]
    said = subprocess.run(
        [binaries.program("postgres"), "-C", name, "-c", f"{name}={value}", *nowhere],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C"},
    ).stderr
    _, invalid, _ = said.partition("invalid value for parameter")
    hint = said.partition("HINT:  Available values: ")[2].splitlines()
    allowed = f" allowed values are: {hint[0].rstrip('.')}" if hint else ""
    return f"Invalid parameter value: {value} for: {name}{allowed}" if invalid else None


@cache
def _of(binaries: Binaries) -> Mapping[str, Parameter]:
    told = subprocess.run(
        [binaries.program("postgres"), "--describe-config"],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C"},
    )
    found = [_parameter(line.split("\t")) for line in told.stdout.splitlines()]
    beside = [
        Parameter(name, "string", "", static=when == "static", modifiable=True)
        for name, when in _BESIDE.items()
    ]
    return {one.name: one for one in (*found, *beside)}


def _parameter(columns: list[str]) -> Parameter:
    written, context, _, kind, _, least, most, *_ = columns
    name = written.lower()  # as RDS writes it
    own = name in _ITS_OWN.split() or name.startswith(_PREFIXES) or context == "internal"
    allowed = {"BOOLEAN": "0,1", "INTEGER": f"{least}-{most}", "REAL": f"{least}-{most}"}
    return Parameter(
        name,
        {"REAL": "float", "ENUM": "string"}.get(kind, kind.lower()),
        allowed.get(kind, ""),
        static=context == "postmaster",
        modifiable=not own,
    )
