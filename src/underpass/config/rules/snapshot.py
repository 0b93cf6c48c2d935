"""Rules of ``[database] snapshot``: what comes of it is the snapshot's, and is not said again."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, of_partition

_SNAPSHOT: KeyPath = ("database", "snapshot")
_MASTER: KeyPath = ("database", "master")
_RESTORE = docs("AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot")


def _arn(config: Config) -> Iterator[Fault]:
    if not config.instance or not (config.instance.snapshot or "").startswith("arn:"):
        return
    assert config.instance.snapshot
    yield from of_partition(config, _SNAPSHOT, config.instance.snapshot)
    region = config.instance.snapshot.split(":")[3]
    if region != config.region:
        yield Fault(
            (_SNAPSHOT, ("region",)),
            f"is in {region}, and RDS restores what is in {config.region}",
            "copy it there: aws rds copy-db-snapshot",
            source=docs("AmazonRDS/latest/UserGuide/USER_CopySnapshot"),
        )


def _seed(config: Config) -> Iterator[Fault]:
    if config.instance and config.instance.snapshot and config.instance.seed:
        yield Fault(
            (("database", "seed"), _SNAPSHOT),
            "is for a database that is empty, and one from a snapshot is not",
            "leave it out",
        )


def _master(config: Config) -> Iterator[Fault]:
    if not config.instance or "master" not in config.instance.model_fields_set:
        return
    if not config.instance.snapshot:
        yield Fault(
            (_MASTER, _SNAPSHOT),
            "is said of a snapshot, which keeps its master user; without one it is underpass",
            "leave it out",
            source=_RESTORE,
        )
    elif config.instance.master == "rdsadmin":
        yield Fault(
            (_MASTER,), "is RDS's own user, and nobody's", "name the snapshot's master user"
        )


RULES: tuple[Rule, ...] = (_arn, _seed, _master)
