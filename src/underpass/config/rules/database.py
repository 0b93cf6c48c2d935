"""Rules of ``[database]``: whether RDS creates such an instance."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts import databases
from underpass.config.model import Config, Database
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs

_ENGINE: KeyPath = ("database", "engine")
_VERSION: KeyPath = ("database", "version")
_CLASS: KeyPath = ("database", "instance_class")
_NAME: KeyPath = ("database", "name")
_DAYS: KeyPath = ("database", "rotation_days")
_ROTATION: KeyPath = ("database", "rotation_window")
_BACKUP: KeyPath = ("database", "backup_window")
_MAINTENANCE: KeyPath = ("database", "maintenance_window")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
LEAST_WINDOW_MINUTES = 30
_SCRAM_FROM = 14
_RELEASES = {
    "postgres": docs("AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar"),
    "mysql": docs("AmazonRDS/latest/UserGuide/MySQL.Concepts.VersionMgmt"),
    "mariadb": docs("AmazonRDS/latest/UserGuide/MariaDB.Concepts.VersionMgmt"),
}
_CLASSES = docs("AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support")
# Databases that are there already, and what the engine reserves.
# PostgreSQL's reserved key words, of its parser; https://www.postgresql.org/docs/current/sql-keywords-appendix.html
_POSTGRES_WORDS = """
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint
    create current_catalog current_date current_role current_time current_timestamp current_user default
    deferrable desc distinct do else end except false fetch for foreign from grant group having in
    initially intersect into lateral leading limit localtime localtimestamp not null offset on only or
    order placing primary references returning select session_user some symmetric system_user table then
    to trailing true union unique user using variadic when where window with
"""
_TAKEN = {
    "postgres": frozenset(("rdsadmin", "template0", "template1")),
    "mysql": frozenset(("information_schema", "innodb", "mysql", "performance_schema", "sys")),
}
_TAKEN["mariadb"] = _TAKEN["mysql"]


def _version(config: Config) -> Iterator[Fault]:
    if not config.instance:
        return
    engine, version = config.instance.engine, config.instance.version
    if databases.creates(engine, version) or databases.newer_version(engine, version):
        if not databases.names_series(engine, version):
            yield Fault(
                (_VERSION, _ENGINE),
                f"a version of {engine} has two numbers at least",
                f'write "{databases.newest_series(engine, version)}"',
                source=_RELEASES[engine],
            )
        return
    gone = databases.withdrawn(engine, version)
    what = f"RDS no longer creates {engine}" if gone else f"{engine} has no version"
    yield Fault(
        (_VERSION, _ENGINE),
        f"{what} {version}",
        f'write "{databases.nearest_version(engine, version)}"',
        source=_RELEASES[engine],
    )


def _logins(config: Config) -> Iterator[Fault]:
    """Refuse a PostgreSQL whose passwords are MD5's by RDS's default: the application's user has none."""
    database = config.instance
    if (
        database
        and database.engine == "postgres"
        and int(database.version.split(".")[0]) < _SCRAM_FROM
    ):
        yield Fault(
            (_VERSION, _ENGINE),
            f"PostgreSQL {database.version} keeps passwords as MD5, which underpass does not log in with",
            f'write "{_SCRAM_FROM}" or later',
            source=docs("AmazonRDS/latest/UserGuide/PostgreSQL_Password_Encryption_configuration"),
        )


def _instance_class(config: Config) -> Iterator[Fault]:
    if not config.instance:
        return
    database, name = config.instance, config.instance.instance_class
    version = database.version if databases.classes(database.engine, database.version) else ""
    if databases.database_class(database.engine, name, version) or databases.newer_class(name):
        return
    near = databases.nearest_class(database.engine, name, version)
    yield Fault(
        (_CLASS, _ENGINE, _VERSION),
        _refusal(database, name),
        f'did you mean "{near}"?' if near else "",
        source=_CLASSES,
    )


def _refusal(database: Database, name: str) -> str:
    if any(databases.database_class(engine, name) for engine in _RELEASES):
        return f"{name} does not run {database.engine} {database.version}"
    return f'there is no database instance class "{name}"'


def _name(config: Config) -> Iterator[Fault]:
    if not config.instance:
        return
    engine, name = config.instance.engine, config.instance.name.lower()
    source = docs("AmazonRDS/latest/APIReference/API_CreateDBInstance")
    if name in _TAKEN[engine]:
        what = f'{engine} has a database "{name}" of its own'
        yield Fault((_NAME, _ENGINE), what, 'write one such as "app"', source=source)
    elif engine == "postgres" and name in _POSTGRES_WORDS.split():
        what = f'"{name}" is a word that {engine} reserves'
        yield Fault((_NAME, _ENGINE), what, f'write "{name}s" or "app"', source=source)


def _rotation(config: Config) -> Iterator[Fault]:
    if not config.instance or not config.instance.rotation_window:
        return
    window = config.instance.rotation_window
    source = docs("secretsmanager/latest/userguide/rotate-secrets_schedule")
    if config.instance.rotation_days:
        what = "the window's schedule says when the passwords are changed already"
        yield Fault((_DAYS, _ROTATION), what, "leave one of the two out", source=source)
    hour = int(window.schedule.split()[1])
    if hour + window.hours > 24:
        what = (
            f"a window that opens at {hour}:00 is closed after {24 - hour} hours, at the day's end"
        )
        key = (*_ROTATION, "hours")
        yield Fault((key,), what, f"write hours = {24 - hour}", source=source)


def _windows(config: Config) -> Iterator[Fault]:
    if not config.instance:
        return
    backup = _backup_minutes(config.instance.backup_window)
    maintenance = _maintenance_minutes(config.instance.maintenance_window)
    source = docs("AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance")
    for key, minutes in ((_BACKUP, backup), (_MAINTENANCE, maintenance)):
        if minutes and (len(minutes) < LEAST_WINDOW_MINUTES or _empty(config, key)):
            what = f"a window has {LEAST_WINDOW_MINUTES} minutes at least"
            yield Fault((key,), what, "let it end later", source=source)
    if len(maintenance) >= _DAY_MINUTES:
        what = "a window is shorter than a day"
        yield Fault((_MAINTENANCE,), what, "let it end earlier", source=source)
    elif {minute % _DAY_MINUTES for minute in maintenance} & {*backup}:
        what = "backups are made while RDS may interrupt: the windows overlap"
        yield Fault((_BACKUP, _MAINTENANCE), what, "move one of them", source=source)


def _empty(config: Config, key: KeyPath) -> bool:
    """Tell whether a window ends when it begins, which RDS takes for none and not for a day."""
    start, end = str(getattr(config.instance, str(key[-1]))).lower().split("-")
    return start == end


def _backup_minutes(window: str | None) -> list[int]:
    """Return the minutes of the day that are in a window."""
    if not window:
        return []
    start, end = (_clock(part) for part in window.split("-"))
    return [minute % _DAY_MINUTES for minute in range(start, end + (end <= start) * _DAY_MINUTES)]


def _maintenance_minutes(window: str | None) -> list[int]:
    """Return the minutes of the week that are in a window."""
    if not window:
        return []
    moments = [
        _WEEK.index(part[:3].lower()) * _DAY_MINUTES + _clock(part[4:])
        for part in window.split("-")
    ]
    start, end = moments
    return [*range(start, end + (end <= start) * len(_WEEK) * _DAY_MINUTES)]


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


RULES: tuple[Rule, ...] = (_version, _logins, _instance_class, _name, _rotation, _windows)
