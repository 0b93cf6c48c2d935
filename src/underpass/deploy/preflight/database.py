"""Whether RDS offers a version or a class that the stored facts do not know."""

from __future__ import annotations

from underpass.config.facts import databases
from underpass.config.model import Database
from underpass.deploy.target import Target
from underpass.errors import UsageError


def check(target: Target, database: Database, region: str) -> None:
    """Refuse what RDS does not offer in the region. What the facts know is not asked again.

    Raises
    ------
    UsageError
        When RDS offers no such instance.
    """
    engine, version, kind = database.engine, database.version, database.instance_class
    if databases.creates(engine, version) and databases.database_class(engine, kind, version):
        return
    pages = target.client("rds").get_paginator("describe_orderable_db_instance_options")
    offered = {
        option["EngineVersion"]
        for page in pages.paginate(Engine=engine, DBInstanceClass=kind)
        for option in page["OrderableDBInstanceOptions"]
    }
    if not any(databases.part_of(one, version) for one in offered):
        raise UsageError(
            f"RDS offers no {engine} {version} on {kind} in {region}",
            f"on {kind} it offers {', '.join(sorted(offered))}"
            if offered
            else f"it does not offer {kind} for {engine} at all",
            "change version or instance_class in [database]",
        )
