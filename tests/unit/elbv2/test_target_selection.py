"""Which targets a node uses: its own zone's unless cross-zone, the healthy ones, and all when none is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2 import target_selection
from underpass.twin.services.elbv2.health import (
    FAILED,
    HEALTHY,
    INITIAL,
    ZONE_NOT_ENABLED,
    CheckKey,
    Health,
    HealthTable,
    State,
    TargetKey,
)
from underpass.twin.services.elbv2.model import Target


@given(
    placed=sample.placed,
    observed=st.data(),
    zone=st.sampled_from(sample.ZONES[:2]),
    cross=st.booleans(),
    override=st.sampled_from([None, True, False]),
)
def test_a_node_sends_to_exactly_the_targets_aws_would(
    placed: dict[str, str], observed: st.DataObject, zone: str, cross: bool, override: bool | None
) -> None:
    group = sample.group("g", placed.items(), cross_zone=override)
    balancer = sample.balancer("network", group, cross_zone=cross)
    views = {address: observed.draw(sample.healths) for address in placed}

    found = target_selection.usable(
        balancer, group, sample.node(zone), lambda check: views[check.address]
    )

    crosses = cross if override is None else override
    near = {
        address
        for address, where in placed.items()
        if where == "all" or where == zone or (crosses and where in sample.ZONES[:2])
    }
    healthy = {address for address in near if views[address] == HEALTHY}
    assert {address for address, _ in found} == (healthy or near)
    assert len(found) == len(set(found))


def test_each_node_judges_for_itself() -> None:
    group = sample.group("g", [("10.20.0.1", "a"), ("10.20.1.1", "b")])
    balancer = sample.balancer("network", group, cross_zone=True)

    def cut_off(check: CheckKey) -> Health:
        return HEALTHY if check.node == "eni-net-a" or check.address == "10.20.1.1" else FAILED

    assert len(target_selection.usable(balancer, group, sample.node("a"), cut_off)) == 2
    assert target_selection.usable(balancer, group, sample.node("b"), cut_off) == (
        ("10.20.1.1", 80),
    )


def test_an_alb_as_a_target_stands_for_its_nodes() -> None:
    key = TargetKey("arn", "arn:alb", 80)
    group = sample.group("g")
    group = type(group)(
        arn=group.arn,
        protocol="TCP",
        check=sample.CHECK,
        targets=(Target(key, (("10.20.0.9", "a"), ("10.20.1.9", "b"))),),
    )
    balancer = sample.balancer("network", group)
    observed = sample.healthy("10.20.0.9", "10.20.1.9")
    assert target_selection.usable(balancer, group, sample.node("b"), observed) == (
        ("10.20.1.9", 80),
    )


def test_only_nodes_that_are_up_check_and_strangers_to_the_zones_are_unused() -> None:
    group = sample.group("g", [("10.20.0.1", "a"), ("10.20.1.1", "b"), ("10.20.2.1", "c")])
    balancer = sample.balancer("network", group)
    plan = target_selection.plan(
        sample.balancing(balancer, group), lambda name: name == "eni-net-a"
    )
    assert {(check.node, check.address) for check in plan.checks} == {("eni-net-a", "10.20.0.1")}
    assert plan.unused == {TargetKey(group.arn, "10.20.2.1", 80): ZONE_NOT_ENABLED}


def test_the_table_tells_the_best_any_node_sees_and_only_news() -> None:
    table = HealthTable()
    key = TargetKey("g", "10.20.0.1", 80)
    first, second = CheckKey(key, "10.20.0.1", "n1"), CheckKey(key, "10.20.0.1", "n2")
    assert table.of(key).reason == "Elb.RegistrationInProgress"
    table.keep([first, second], {})
    assert table.of(key) == INITIAL
    assert table.put(first, FAILED)
    assert not table.put(first, FAILED)
    assert table.of(key) == INITIAL, "the second node has not seen it"
    table.put(second, HEALTHY)
    assert table.of(key) == HEALTHY
    table.keep([first], {})
    assert table.of(key) == FAILED
    assert not table.put(second, FAILED), "a check that was called off has no say"
    table.keep([], {key: ZONE_NOT_ENABLED})
    assert table.of(key).state is State.UNUSED
