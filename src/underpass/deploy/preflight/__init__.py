"""What is asked of AWS before anything is made: whether what the configuration names is there, and fits.

One file per question. Each refuses with a ``UsageError``, or gives warnings. What the configuration alone
can tell is refused before, by ``config.rules``.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from underpass.config import rules
from underpass.config.problems import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from underpass.config import Config
    from underpass.deploy.target import Target


def check(config: Config, target: Target, zones: Mapping[str, str]) -> tuple[str, ...]:
    """Return what to warn of.

    Parameters
    ----------
    zones
        The names of the application's zones by their ids, as ``zones.application`` tells them; the first
        ``[network] zones`` of them stay.

    Raises
    ------
    UsageError
        With what to change in the configuration, or in AWS, before it can be deployed.
    """
    from underpass.deploy.preflight import (
        access,
        capacity,
        certificate,
        consumer,
        endpoints,
        existing,
        network,
        simulated,
    )

    ec2 = target.client("ec2")
    ours = dict(islice(zones.items(), config.network.zones))
    if config.network.vpc_id:
        network.check(ec2, config)
    endpoints.check(ec2, config)
    warnings = [*_advice(config), *capacity.check(ec2, config, ours)]
    warnings += _stores(config, target)
    if target.self_contained:  # the rest it makes itself
        return (*warnings, *simulated.check(config))
    warnings += access.check(target.client, config)
    warnings += existing.check(target, config)
    if config.tls:
        warnings += certificate.check(target.client("acm"), config.tls.certificate, config.domain)
    for one in config.consumers:
        if one.vpc_id:
            here = one.region in {None, config.region}
            consumer.check(target.client("ec2", one), one, ours if here else None)
    return tuple(warnings)


def _stores(config: Config, target: Target) -> list[str]:
    from underpass.deploy.preflight import (
        database,
        existing_database,
        parameters,
        snapshot,
        upgrade,
    )

    if config.database and config.database.existing:
        return existing_database.check(config, config.database.existing, target)
    if not config.instance:
        return []
    database.check(target, config.instance, config.region)
    told = upgrade.look(config, target)
    return [
        *snapshot.check(config, config.instance, target),
        *([f"this {told}"] if told else []),
        *parameters.check(config, config.instance, target),
    ]


def _advice(config: Config) -> list[str]:
    return [
        f"{dotted(one.keys[0])}: {one.message}; {one.suggestion}" for one in rules.advise(config)
    ]
