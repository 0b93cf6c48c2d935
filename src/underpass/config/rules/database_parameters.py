"""Rules of ``[database] parameters``: what underpass promises of the engine stays as it sets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs

_TLS = "the database refuses what is not TLS, and nothing else is told apart from it"
_PASSWORDS = "it writes passwords into the log; `pgaudit.log` logs without them"
_LOGINS = "the application's user logs in by SCRAM, and by nothing else"
_EXPORTED = "the logs go to CloudWatch from files"
KEPT: Mapping[str, Mapping[str, str]] = {
    "postgres": {
        "rds.force_ssl": _TLS,
        "log_statement": _PASSWORDS,
        "password_encryption": _LOGINS,
        "rds.accepted_password_auth_method": _LOGINS,
    },
    "mysql": {"require_secure_transport": _TLS, "log_output": _EXPORTED},
    "mariadb": {"require_secure_transport": _TLS, "log_output": _EXPORTED},
}
LIBRARIES = "shared_preload_libraries"
NEEDED = ("pg_stat_statements", "pgaudit")  # of the libraries; more may be added
_SOURCE = docs("AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups")


def _kept(config: Config) -> Iterator[Fault]:
    if not config.instance:
        return
    kept = KEPT[config.instance.engine]
    for name in config.instance.parameters:
        if name in kept:
            yield Fault(
                (_key(name),), f"underpass sets it: {kept[name]}", "leave it out", source=_SOURCE
            )


def _libraries(config: Config) -> Iterator[Fault]:
    if not config.instance or LIBRARIES not in config.instance.parameters:
        return
    named = [one.strip() for one in config.instance.parameters[LIBRARIES].split(",")]
    if missing := [one for one in NEEDED if one not in named]:
        yield Fault(
            (_key(LIBRARIES),),
            f"is the whole list, and {' and '.join(missing)} underpass needs",
            f'write "{",".join((*NEEDED, *(one for one in named if one not in NEEDED)))}"',
            source=_SOURCE,
        )


def _key(name: str) -> KeyPath:
    return ("database", "parameters", name)


RULES: tuple[Rule, ...] = (_kept, _libraries)
