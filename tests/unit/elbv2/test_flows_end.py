"""Whose flows an NLB ends."""

from __future__ import annotations

from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2.health import INITIAL
from underpass.twin.services.elbv2.model import TargetGroup
from underpass.twin.services.elbv2.target_selection import Over, ended

ONE, TWO = ("10.20.0.1", 80), ("10.20.0.2", 80)
NODE = sample.node("a")


def over(group: TargetGroup, carried: set[tuple[str, int]], *healthy: str) -> Over:
    balancer = sample.balancer("network", group)
    observed = sample.healthy(*healthy)
    sent = {one for one in carried if one[0] in healthy}
    return ended(carried, sent, balancer, NODE, sample.balancing(balancer, group), observed)


def test_an_unhealthy_targets_flows_end_unless_the_group_says_no() -> None:
    placed = [(ONE[0], "a"), (TWO[0], "a")]
    assert over(sample.group("g", placed), {ONE, TWO}, TWO[0]).cut == {ONE}
    kept = sample.group("g", placed, cuts_unhealthy=False)
    assert over(kept, {ONE, TWO}, TWO[0]).cut == set()


def test_with_nobody_healthy_all_carry_on() -> None:
    group = sample.group("g", [(ONE[0], "a")])
    balancer = sample.balancer("network", group)
    balancing = sample.balancing(balancer, group)
    assert ended({ONE}, {ONE}, balancer, NODE, balancing, sample.healthy()).cut == set()


def test_a_target_that_came_back_is_not_cut_while_it_is_being_checked() -> None:
    group = sample.group("g", [(ONE[0], "a"), (TWO[0], "a")])
    balancer = sample.balancer("network", group)
    balancing = sample.balancing(balancer, group)
    assert ended({ONE}, {TWO}, balancer, NODE, balancing, lambda _: INITIAL) == Over(
        frozenset(), frozenset()
    )


def test_a_draining_target_keeps_its_flows_and_then_loses_them_if_the_group_says_so() -> None:
    arn = sample.group("g").arn
    leaving = (sample.target(arn, ONE[0], "a"),)
    for cuts, cut in ((True, {ONE}), (False, set())):
        group = sample.group("g", [(TWO[0], "a")], draining=leaving, cuts_drained=cuts)
        assert over(group, {ONE, TWO}, TWO[0]) == Over(frozenset(), frozenset())
        gone = sample.group("g", [(TWO[0], "a")], cuts_drained=cuts)
        assert over(gone, {ONE, TWO}, TWO[0]) == Over(frozenset(cut), frozenset({ONE}))
