"""What ``[database]`` asks for and the twin has not: said before anything is changed."""

from __future__ import annotations

from underpass.config.model import Database
from underpass.errors import UsageError
from underpass.twin.services.rds import versions
from underpass.twin.services.rds.engine_parameters import LIBRARIES, OWN_LIBRARIES, computed


def check(database: Database | None) -> None:
    """Refuse what the twin's RDS would refuse, or take and not carry out.

    Raises
    ------
    UsageError
        With what the twin can do instead.
    """
    if database is None:
        return
    if why := versions.refusal(database.engine, database.version):
        raise UsageError(
            "the twin does not run this database",
            why,
            "change version in [database] for the twin, or deploy to AWS",
        )
    if database.snapshot:
        raise UsageError(
            "the twin has no snapshots",
            f'[database] snapshot is "{database.snapshot}", and the twin keeps an instance\'s data instead',
            'leave it out for the twin: seed = "seed.sql" fills its database',
        )
    _parameters(database)


def _parameters(database: Database) -> None:
    binaries = versions.find(database.version)
    assert binaries
    for name, value in database.parameters.items():
        if computed(value):
            raise UsageError(
                f"the twin does not compute {name}",
                f'"{value}" is a formula of the instance class, and the twin\'s has no memory of its own',
                "write a number for the twin",
            )
    named = database.parameters.get(LIBRARIES, "").split(",")
    for one in filter(None, (one.strip() for one in named)):
        if one not in OWN_LIBRARIES and not binaries.has_library(one):
            raise UsageError(
                f"the twin's PostgreSQL has no {one}",
                f"[database] parameters names it in {LIBRARIES}",
                "leave it out for the twin",
            )
