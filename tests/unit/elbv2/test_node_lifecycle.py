"""How a load balancer's nodes come and go, step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2.model import Eni, LoadBalancer, Phase
from underpass.twin.services.elbv2.node_history import History, call
from underpass.twin.services.elbv2.node_lifecycle import Leaving, Steps, Times, spread, steps

TIMES = Times(serves_s=12, detached_s=3)
ALB = sample.balancer("application")


@dataclass
class World:
    """An ALB and what was done for it; new nodes are named when ``name`` is called."""

    alb: LoadBalancer = ALB
    count: int = 2
    now_s: float = 0.0
    nodes: dict[str, Eni] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)
    leaving: dict[str, Leaving] = field(default_factory=dict)
    made: int = 0

    @property
    def serving(self) -> set[str]:
        """What DNS names."""
        return self.named & self.nodes.keys() - self.leaving.keys()

    def step(self) -> Steps:
        due = steps(
            self.alb,
            tuple(self.nodes.values()),
            count=self.count,
            doomed=self.doomed,
            leaving=self.leaving,
            named=self.named,
            now_s=self.now_s,
            times=TIMES,
        )
        for subnet_id, _ in due.create:
            self.made += 1
            name = f"eni-{self.made}"
            self.nodes[name] = Eni(name, subnet_id[-1], f"10.20.0.{self.made}", subnet_id)
        for one in due.leave:
            assert one in self.nodes
            self.leaving[one] = Leaving(Phase.LEAVING, self.now_s)
            self.doomed.discard(one)
        for one in due.detach:
            assert self.now_s - self.leaving[one].since_s >= TIMES.serves_s
            self.leaving[one] = Leaving(Phase.DETACHED, self.now_s)
        for one in due.delete:
            assert self.leaving[one].phase is Phase.DETACHED
            del self.nodes[one], self.leaving[one]
        return due

    def settle(self) -> None:
        for _ in range(12):
            due = self.step()
            self.named |= self.nodes.keys()
            if due.next_s is not None and not due.create:
                self.now_s = max(self.now_s, due.next_s)


def test_a_node_to_which_clients_are_connected_has_its_time_in_full() -> None:
    node = Eni("eni-1", "a", "10.20.0.1", "subnet-a")
    for busy, now_s, goes in (
        (set[str](), 13, True),
        ({"eni-1"}, 13, False),
        ({"eni-1"}, 241, True),
    ):
        due = steps(
            ALB,
            (node,),
            count=2,
            doomed=(),
            leaving={"eni-1": Leaving(Phase.LEAVING, 0.0)},
            named=(),
            busy=busy,
            now_s=now_s,
            times=TIMES,
        )
        assert due.detach == (("eni-1",) if goes else ())


def test_a_new_load_balancer_has_a_node_in_each_subnet() -> None:
    world = World()
    world.settle()
    assert Counter(node.subnet_id for node in world.nodes.values()) == {
        "subnet-a": 1,
        "subnet-b": 1,
    }


def test_nothing_leaves_before_its_replacement_is_named() -> None:
    world = World()
    world.settle()
    old = set(world.nodes)
    world.doomed = set(old)
    world.step()
    assert len(world.nodes) == 4
    assert not world.step().leave, "the new ones do not listen yet"
    world.named |= world.nodes.keys()
    assert set(world.step().leave) == old


def test_a_node_leaves_dns_then_is_detached_then_is_deleted() -> None:
    world = World()
    world.settle()
    (one, *_) = old = set(world.nodes)
    world.doomed = {one}
    world.step()
    world.named |= world.nodes.keys()
    left = world.step()
    assert (left.leave, left.detach, left.delete) == ((one,), (), ())
    due = world.step()
    assert due == Steps(next_s=TIMES.serves_s), "it serves on"
    world.now_s = TIMES.serves_s
    assert world.step().detach == (one,)
    world.now_s += TIMES.detached_s
    assert world.step().delete == (one,)
    assert world.nodes.keys() - {one} > old - {one}


def test_what_is_in_a_subnet_that_is_no_longer_the_load_balancers_goes() -> None:
    world = World()
    world.settle()
    world.alb = replace(ALB, subnets=(ALB.subnets[0], ("subnet-c", "c", "10.20.2.9")))
    gone = next(one for one in world.nodes.values() if one.subnet_id == "subnet-b")
    due = steps(
        world.alb,
        tuple(world.nodes.values()),
        count=2,
        doomed=(),
        leaving={},
        named=world.named,
        now_s=0,
        times=TIMES,
    )
    assert due.delete == (gone.interface_id,)
    assert due.create == (("subnet-c", "10.20.2.9"),), "at the address that was asked for"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(st.integers(2, 12), st.just("rotate"), st.integers(1, 9).map(float)), max_size=12
    )
)
def test_whatever_is_asked_somebody_always_serves_and_in_the_end_all_is_as_asked(
    story: list[int | float | str],
) -> None:
    world = World()
    world.settle()
    for event in story:
        if event == "rotate":
            world.doomed |= world.nodes.keys() - world.leaving.keys()
        elif isinstance(event, int):
            world.count = event
        else:
            world.now_s += float(event)
            world.named |= world.nodes.keys()
        world.step()
        assert len(world.serving) >= 2, "never fewer than one a zone"
        assert {world.nodes[one].zone for one in world.serving} == {"a", "b"}
    world.settle()
    assert not world.leaving
    assert not world.doomed
    assert Counter(node.subnet_id for node in world.nodes.values()) == spread(
        world.count, ("subnet-a", "subnet-b")
    )


def test_history_keeps_the_first_time_of_each_event() -> None:
    history = History()
    history.create("eni-1", "10.0.0.1", "alb")
    history.registered({"10.0.0.1"})
    history.sent({"10.0.0.1"})
    history.sent(set())
    history.registered(set())
    history.registered({"10.0.0.1"})
    (one,) = history.of("alb")
    assert one["created"] <= one["registered"] <= one["serving"] <= one["unsent"]
    assert one["unsent"] <= one["deregistered"]
    assert history.of("another") == []


def test_an_address_registered_for_a_stranger_is_not_the_node_that_is_gone() -> None:
    history = History()
    history.create("eni-1", "10.0.0.1", "alb")
    history.mark("eni-1", "deleted")
    history.registered({"10.0.0.1"})
    assert "registered" not in history.of("alb")[0]


def test_a_call_is_told_as_cloudtrail_tells_it() -> None:
    told = call(
        "DeleteNetworkInterface",
        {"networkInterfaceId": "eni-1"},
        {"_return": True},
        "us-east-1",
        datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC),
    )
    assert told["eventSource"] == "ec2.amazonaws.com"
    assert told["userIdentity"]["invokedBy"] == "elasticloadbalancing.amazonaws.com"
    assert told["userIdentity"]["type"] == "AssumedRole"
    assert told["requestParameters"] == {"networkInterfaceId": "eni-1"}
    assert told["eventTime"] == "2026-11-25T12:00:00Z"


@pytest.mark.parametrize(("count", "expected"), [(2, (1, 1)), (5, (3, 2)), (100, (50, 50))])
def test_nodes_are_spread_over_the_subnets(count: int, expected: tuple[int, int]) -> None:
    assert tuple(spread(count, ("a", "b")).values()) == expected
