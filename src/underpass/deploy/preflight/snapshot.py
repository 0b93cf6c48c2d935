"""Whether the snapshot of ``[database]`` can be what the file says; once restored, nobody asks again."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from underpass.config import Config
from underpass.config.facts.databases import part_of, series_of
from underpass.config.model import Database
from underpass.deploy.preflight.deployed import Deployed
from underpass.deploy.target import Target
from underpass.errors import UsageError


def check(config: Config, database: Database, target: Target) -> list[str]:
    """Return what to warn of.

    Raises
    ------
    UsageError
        When there is no such snapshot, or it is of something else.
    """
    if not database.snapshot:
        return []
    there = Deployed.look(target.client("cloudformation"), config)
    if there and there.snapshot == database.snapshot:
        return []
    found = _snapshot(target.client("rds"), database.snapshot)
    _fits(database, found)
    key = found.get("KmsKeyId", "a key")
    return [f"the restored database stays encrypted with {key}, as the snapshot is"]


def _snapshot(rds: Any, name: str) -> dict[str, Any]:
    try:
        snapshots = rds.describe_db_snapshots(
            DBSnapshotIdentifier=name, IncludeShared=name.startswith("arn:")
        )["DBSnapshots"]
    except ClientError as error:
        if not error.response["Error"]["Code"].startswith("DBSnapshotNotFound"):
            raise
        snapshots = []
    if not snapshots:
        raise UsageError(
            f"there is no snapshot {name}",
            "RDS finds none for [database] snapshot",
            "`aws rds describe-db-snapshots` lists them; one that is shared is named by its ARN",
        )
    return dict(snapshots[0])


def _fits(database: Database, found: dict[str, Any]) -> None:
    name, engine, version = database.snapshot, found["Engine"], found["EngineVersion"]
    if found.get("Status", "available") != "available":
        raise UsageError(
            f"snapshot {name} is {found['Status']}", "RDS restores it when it is available", "wait"
        )
    if engine != database.engine:
        raise UsageError(
            f"snapshot {name} is of {engine}",
            f"[database] engine is {database.engine}",
            "name another, or change engine",
        )
    if not part_of(version, series_of(engine, database.version)):
        raise UsageError(
            f"snapshot {name} is of {engine} {version}",
            f"[database] version is {database.version}, and it is restored as what it is",
            f'set version = "{series_of(engine, version)}"; the upgrade is a deployment of its own',
        )
    if not found.get("Encrypted"):
        raise UsageError(
            f"snapshot {name} is not encrypted",
            "the database would not be, for good",
            "copy it with a key: aws rds copy-db-snapshot --kms-key-id ...; and name the copy",
        )
    if found["MasterUsername"] != database.master:
        raise UsageError(
            f"the master user of snapshot {name} is {found['MasterUsername']}",
            f"[database] master is {database.master}, and the functions log in as that",
            f'set master = "{found["MasterUsername"]}"',
        )
    if found["AllocatedStorage"] > database.storage_gb:
        raise UsageError(
            f"snapshot {name} has {found['AllocatedStorage']} GiB",
            f"[database] storage_gb is {database.storage_gb}, and storage never shrinks",
            f"set storage_gb = {found['AllocatedStorage']}",
        )
