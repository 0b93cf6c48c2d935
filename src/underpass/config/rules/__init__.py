"""What several keys must agree on, and what AWS refuses whatever the key's form. Pure, and offline.

A rule is a function that yields what it finds. None of them judges taste: each names something that
would fail in AWS, never take effect, or silently open the path to others. Where AWS may know better than
the stored facts (an instance type newer than they are), a rule stays silent and the preflight asks AWS.
"""

from __future__ import annotations

from underpass.config.model import Config
from underpass.config.problems import Fault
from underpass.config.rules import (
    account,
    addons,
    advice,
    balancing,
    blocks,
    capacity,
    consumers,
    database,
    database_parameters,
    existing_database,
    jobs,
    network,
    outbound,
    permissions,
    privatelink,
    rights,
    secrets,
    service,
    sidecars,
    snapshot,
    workers,
    zones,
)

_STORES = (database, database_parameters, snapshot, existing_database)


def check(config: Config) -> tuple[Fault, ...]:
    """Return everything the rules find."""
    parts = (
        service,
        sidecars,
        balancing,
        rights,
        workers,
        jobs,
        capacity,
        network,
        zones,
        outbound,
        *_STORES,
        privatelink,
        blocks,
        consumers,
        secrets,
        permissions,
        account,
        addons,
    )
    return tuple(fault for part in parts for rule in part.RULES for fault in rule(config))


def advise(config: Config) -> tuple[Fault, ...]:
    """Return what to warn of, of a configuration in which ``check`` finds nothing."""
    return tuple(fault for rule in advice.ADVICE for fault in rule(config))
