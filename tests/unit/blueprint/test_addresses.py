"""The address plan: nothing overlaps, everything fits, and a third zone moves nothing."""

from itertools import combinations

import pytest
from hypothesis import given
from tests.unit.blueprint.configs import config, configs

from underpass.blueprint.addresses import zones
from underpass.config.model import Config


@given(configs().filter(lambda drawn: drawn.network.vpc_id is None))
def test_subnets_are_apart_inside_the_vpc_and_large_enough_for_an_alb(config: Config) -> None:
    subnets = [block for zone in zones(config) for block in (zone.public, zone.app, zone.data)]
    assert len(subnets) == 3 * config.network.zones
    assert all(block.subnet_of(config.network.cidr) for block in subnets)
    assert all(block.prefixlen <= 27 for block in subnets)
    assert all(zone.app.prefixlen <= 26 for zone in zones(config))  # see the table in addresses
    assert not any(one.overlaps(other) for one, other in combinations(subnets, 2))


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.9.8.0/23"])
def test_a_third_zone_moves_no_subnet(cidr: str) -> None:
    two, three = (zones(config(network={"cidr": cidr, "zones": count})) for count in (2, 3))
    assert three[:2] == two


@pytest.mark.parametrize("count", [2, 3])
def test_too_small_a_vpc_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"network\.cidr 10\.0\.0\.0/24 is too small"):
        zones(config(network={"cidr": "10.0.0.0/24", "zones": count}))


def test_the_default_vpc_is_cut_as_it_always_was() -> None:
    """A subnet that is deployed must not move."""
    first, second = zones(config())
    assert [*map(str, (first.public, first.app, first.data))] == [
        *("10.20.0.0/20", "10.20.64.0/20", "10.20.128.0/20"),
    ]
    assert [*map(str, (second.public, second.app, second.data))] == [
        *("10.20.16.0/20", "10.20.80.0/20", "10.20.144.0/20"),
    ]
