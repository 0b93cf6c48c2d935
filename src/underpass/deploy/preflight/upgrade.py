"""Whether a deployment would bring the database to another major version, and whether it may.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html
"""

from __future__ import annotations

from typing import Any

from underpass.config import Config
from underpass.config.facts.databases import part_of, series_of
from underpass.deploy.preflight.deployed import Deployed
from underpass.deploy.target import Target
from underpass.errors import UsageError

_WHAT_IT_IS = (
    "an outage of minutes, longer for much data, and no way back: the stack's rollback leaves the version. "
    "RDS takes a snapshot before, from which the database of before can be restored"
)


def look(config: Config, target: Target) -> str:
    """Return what the upgrade is that a deployment would do; empty for none.

    Raises
    ------
    UsageError
        When it was not allowed, or RDS does not upgrade so.
    """
    database = config.instance
    there = Deployed.look(target.client("cloudformation"), config) if database else None
    if database is None or there is None or there.snapshot != (database.snapshot or ""):
        return ""  # what is restored from another snapshot is another database
    if there.version == database.version:
        return ""
    rds = target.client("rds")
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=there.instance)["DBInstances"]
    runs, wanted = instance["EngineVersion"], database.version
    engine = database.engine
    if instance["Engine"] != engine or series_of(engine, runs) == series_of(engine, wanted):
        return ""
    what = f"the database from {engine} {runs} to {wanted}"
    if _order(series_of(engine, wanted)) < _order(series_of(engine, runs)):
        raise UsageError(
            f"this would bring {what}",
            "RDS brings no database back to an earlier version",
            f'set version = "{series_of(engine, runs)}" in [database]; or restore a snapshot of before, by '
            "snapshot = ... and --allow-replace DatabaseInstance",
        )
    targets = _targets(rds, engine, runs)
    if not any(part_of(one, wanted) for one in targets):
        raise UsageError(
            f"RDS does not upgrade {what} at once",
            f"from {runs} it upgrades to {', '.join(targets) or 'no later major version'}",
            "go by one of these in [database] version",
        )
    if not database.allow_major_upgrade:
        raise UsageError(
            f"this would upgrade {what}",
            _WHAT_IT_IS,
            f'set version = "{series_of(engine, runs)}" in [database], or allow_major_upgrade = true; '
            "try it first on a copy, as docs/database.md says",
        )
    return f"upgrades {what}: {_WHAT_IT_IS}"


def _targets(rds: Any, engine: str, version: str) -> list[str]:
    """Return the major versions RDS upgrades to in one step."""
    found = rds.describe_db_engine_versions(Engine=engine, EngineVersion=version)
    return [
        target["EngineVersion"]
        for one in found["DBEngineVersions"]
        for target in one.get("ValidUpgradeTarget", ())
        if target.get("IsMajorVersionUpgrade")
    ]


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
