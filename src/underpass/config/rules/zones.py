"""Rules of ``[network] zone_ids``: which Availability Zones, by the ids that every account knows."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts import zone_prefix
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated

_IDS: KeyPath = ("network", "zone_ids")
_ZONES: KeyPath = ("network", "zones")
_VPC: KeyPath = ("network", "vpc_id")
_SOURCE = docs("global-infrastructure/latest/regions/az-ids")


def _zones(config: Config) -> Iterator[Fault]:
    ids, network = config.network.zone_ids, config.network
    if not ids:
        return
    if network.vpc_id:
        what = "the subnets of an existing VPC are in zones already"
        yield Fault((_IDS, _VPC), what, "leave it out")
        return
    at = first_repeated(ids)
    if at is not None:
        yield Fault((_IDS,), f'"{ids[at]}" is there already', "name each zone once")
    elif len(ids) != network.zones:
        yield Fault(
            (_IDS, _ZONES),
            f"names {len(ids)}, and zones is {network.zones}",
            f"write zones = {len(ids)}" if len(ids) == 3 else f"name {network.zones}",
        )
    prefix = zone_prefix(config.region)
    for zone in ids:
        if not zone.startswith(prefix):
            what = f'"{zone}" is not in {config.region}'
            yield Fault(
                (_IDS, ("region",)), what, f'there they begin with "{prefix}"', source=_SOURCE
            )


RULES: tuple[Rule, ...] = (_zones,)
