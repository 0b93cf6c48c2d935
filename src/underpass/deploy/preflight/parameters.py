"""Whether the engine has the parameters of ``[database]``, and takes their values: RDS is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from underpass.config import Config
from underpass.config.facts.databases import series_of
from underpass.config.model import Database
from underpass.deploy.preflight.deployed import Deployed
from underpass.deploy.target import Target
from underpass.errors import UsageError

_RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+(?:e\+?[0-9]+)?)")


def check(config: Config, database: Database, target: Target) -> list[str]:
    """Return which parameters wait for the next start of a database that runs.

    Raises
    ------
    UsageError
        With the first that the engine has not, or does not take.
    """
    if not database.parameters:
        return []
    family = f"{database.engine}{series_of(database.engine, database.version)}"
    known = _known(target.client("rds"), family)
    for name, value in database.parameters.items():
        _check(family, known, name, value)
    there = Deployed.look(target.client("cloudformation"), config)
    if there is None:
        return []
    waiting = [
        name
        for name, value in database.parameters.items()
        if known[name].get("ApplyType") == "static" and there.parameters.get(name) != value
    ]
    command = f"aws rds reboot-db-instance --db-instance-identifier {there.instance}"
    return [f"{', '.join(waiting)} wait for the database's restart: {command}"] if waiting else []


def _known(rds: Any, family: str) -> Mapping[str, Any]:
    pages = rds.get_paginator("describe_engine_default_parameters")
    return {
        one["ParameterName"]: one
        for page in pages.paginate(DBParameterGroupFamily=family)
        for one in page["EngineDefaults"]["Parameters"]
    }


def _check(family: str, known: Mapping[str, Any], name: str, value: str) -> None:
    if name not in known:
        near = get_close_matches(name, [*known], n=1)
        raise UsageError(
            f"{family} has no parameter {name}",
            "[database] parameters names it",
            f"did you mean {near[0]}?" if near else "leave it out",
        )
    found = known[name]
    if not found.get("IsModifiable", True):
        raise UsageError(
            f"RDS keeps {name} to itself", f"it cannot be changed in {family}", "leave it out"
        )
    allowed = found.get("AllowedValues", "")
    if not _fits(value, allowed, several=found.get("DataType") == "list"):
        raise UsageError(
            f'{name} cannot be "{value}"',
            f"RDS takes {allowed}, in units of its own and without naming them",
            "change it in [database] parameters",
        )


def _fits(value: str, allowed: str, *, several: bool) -> bool:
    """Tell whether RDS takes a value; of what it computes, ``{DBInstanceClassMemory/...}``, it may say so."""
    if not allowed or "{" in value:
        return True
    choices = [one.strip() for one in allowed.split(",")]
    return all(
        any(_is(one.strip(), choice) for choice in choices)
        for one in (value.split(",") if several else [value])
    )


def _is(value: str, choice: str) -> bool:
    if value.lower() == choice.lower():
        return True
    if between := _RANGE.fullmatch(choice):
        try:
            return float(between[1]) <= float(value) <= float(between[2])
        except ValueError:
            return False
    return False
