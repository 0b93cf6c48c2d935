"""How long a target drains: on the twin's clock with no connection left, in AWS's own time with one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.elbv2 import sample

from underpass.twin.region.clock import SPEED
from underpass.twin.services.elbv2.draining import AGAIN_S, Drains, over
from underpass.twin.services.elbv2.health import HealthTable
from underpass.twin.services.elbv2.model import Balancing

ADDRESS = ("10.20.0.9", 80)
DELAY_S = 60.0
SHORT_S = DELAY_S / SPEED


class Region:
    """A target that drains behind one load balancer, and who is connected to it."""

    def __init__(self) -> None:
        arn = sample.group("g").arn
        self.target = sample.target(arn, ADDRESS[0], "a")
        group = sample.group("g", [], draining=(self.target,), drain_s=DELAY_S)
        balancer = sample.balancer("application", group)
        self.wanted = sample.balancing(balancer, group)
        self.health, self.ended = HealthTable(), 0
        self.connected: set[tuple[str, int]] = set()
        self.drains = Drains(self.health, lambda _: self.connected, self._end)
        self.drains.follow(self.wanted)

    def _end(self) -> None:
        self.ended += 1

    def over(self, now_s: float) -> bool:
        """Tell what the API would, of a target deregistered at 0."""
        return over(0.0, now_s, DELAY_S, self.health.quiet_s(self.target.key))


def test_a_target_with_nothing_under_way_drains_on_the_twins_clock() -> None:
    region = Region()
    assert region.drains.look(0.0) == AGAIN_S
    assert not region.over(SHORT_S), "nobody has looked"
    assert region.drains.look(SHORT_S - 0.1) == pytest.approx(0.1)
    region.drains.look(SHORT_S)
    assert (region.over(SHORT_S), region.ended) == (True, 1)


def test_a_target_with_a_request_under_way_has_the_time_it_has_in_aws() -> None:
    region = Region()
    region.connected.add(ADDRESS)
    region.drains.look(0.0)
    assert region.drains.look(SHORT_S) == AGAIN_S
    assert (region.over(SHORT_S), region.over(DELAY_S - 1), region.ended) == (False, False, 0)
    region.connected.clear()
    region.drains.look(20.0)
    assert (region.over(20.0), region.ended) == (True, 1), "once it is answered nobody waits longer"


def test_a_connection_that_stays_ends_with_the_delay() -> None:
    region = Region()
    region.connected.add(ADDRESS)
    region.drains.look(0.0)
    region.drains.look(DELAY_S)
    assert (region.over(DELAY_S), region.ended) == (True, 1)


def test_connections_to_another_port_or_before_it_was_deregistered_do_not_count() -> None:
    region = Region()
    region.connected.add((ADDRESS[0], 81))
    region.drains.look(0.0)
    region.drains.look(SHORT_S)
    assert region.over(SHORT_S)
    assert not over(SHORT_S + 1, 2 * SHORT_S + 2, DELAY_S, region.health.quiet_s(region.target.key))


def test_a_node_that_has_gone_and_a_group_nobody_forwards_to_have_no_connections() -> None:
    region = Region()

    def gone(_: str) -> set[tuple[str, int]]:
        raise FileNotFoundError

    alone = replace(region.wanted, balancers=())
    for connected, wanted in ((gone, region.wanted), (lambda _: {ADDRESS}, alone)):
        region = Region()
        drains = Drains(region.health, connected, region._end)
        drains.follow(wanted)
        drains.look(0.0)
        drains.look(SHORT_S)
        assert (region.over(SHORT_S), region.ended) == (True, 1)


def test_where_nothing_drains_nobody_looks() -> None:
    region = Region()
    region.drains.follow(Balancing())
    assert region.drains.look(0.0) is None


@given(st.floats(0, 3600), st.floats(0, 7200))
def test_nobody_drains_for_longer_than_in_aws_or_shorter_than_on_the_twins_clock(
    delay_s: float, waited_s: float
) -> None:
    assert over(0.0, waited_s, delay_s, float("-inf")) == (waited_s >= delay_s)
    assert over(0.0, waited_s, delay_s, waited_s) == (waited_s >= delay_s / SPEED)
