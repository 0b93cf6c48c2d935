"""What an NLB's nodes are told when, and whose flows they forget, whatever changes or fails meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

import pytest
from tests.unit.elbv2 import sample

from underpass.twin.linux import nftables
from underpass.twin.services.ec2.fabric import Fabric
from underpass.twin.services.elbv2.health import FAILED, HEALTHY, CheckKey, Health
from underpass.twin.services.elbv2.model import Balancing
from underpass.twin.services.elbv2.nlb import Flows

X, Y, Z = (("10.20.0.1", 80), ("10.20.0.2", 80), ("10.20.1.3", 80))
A, B = "eni-net-a", "eni-net-b"
Address = tuple[str, int]
Flow = tuple[str, frozenset[Address], bool]  # node, targets, whether only unanswered flows


class Kernel:
    """The namespaces of two nodes: tables that were applied, flows that were cut, and what is refused."""

    def __init__(self) -> None:
        self.unhealthy: set[Address] = set()
        self.sends: dict[str, set[Address]] = {}
        self.cuts: list[Flow] = []
        self.refused: set[str] = set()
        self.uncut: set[str] = set()
        self.applying: Callable[[], object] = lambda: None

    # The fabric, as far as it matters here

    def up(self, _name: str) -> bool:
        return True

    def path(self, name: str) -> str:
        return name

    def apply(self, name: str, table: nftables.Table) -> None:
        if name in self.refused:
            raise OSError(f"{name} takes no table")
        self.sends[name] = {target for one in table.maps for target in one.targets}
        self.applying()

    # What else there is

    def observed(self, check: CheckKey) -> Health:
        return FAILED if (check.address, check.target.port) in self.unhealthy else HEALTHY

    def cut(self, namespace: str, targets: Collection[Address], *, unanswered: bool = False) -> int:
        if namespace in self.uncut:
            raise OSError(f"{namespace} forgets nothing")
        self.cuts.append((namespace, frozenset(targets), unanswered))
        return len(targets)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def flows(kernel: Kernel) -> Flows:
    return Flows(cast(Fabric, kernel), kernel.observed, kernel.cut)


def balancing(*targets: Address) -> Balancing:
    """An NLB of two nodes that both send to these."""
    group = sample.group("g", [(address, "all") for address, _ in targets])
    return sample.balancing(sample.balancer("network", group), group)


def test_a_target_that_fails_while_tables_are_applied_loses_its_flows_once_it_gets_no_new_ones(
    kernel: Kernel, flows: Flows
) -> None:
    kernel.applying = lambda: kernel.unhealthy.add(X)
    flows.apply(balancing(X, Y))
    assert kernel.sends[A] == {X, Y}
    assert kernel.cuts == [], "its new flows would not be cut any more"
    assert flows.serving == {X[0], Y[0]}

    flows.apply(balancing(X, Y))
    assert kernel.sends[A] == {Y}
    assert (A, frozenset({X}), False) in kernel.cuts
    assert flows.serving == {Y[0]}


def test_flows_stay_where_a_node_did_not_take_its_table(kernel: Kernel, flows: Flows) -> None:
    flows.apply(balancing(X, Y))
    kernel.unhealthy.add(X)
    kernel.refused.add(A)
    with pytest.raises(ExceptionGroup) as failed:
        flows.apply(balancing(X, Y))
    assert [str(error) for error in failed.value.exceptions] == [f"{A} takes no table"]
    assert {name for name, _, _ in kernel.cuts} == {B}
    assert flows.serving == {X[0], Y[0]}, "it still sends to both"

    kernel.refused.clear()
    flows.apply(balancing(X, Y))
    assert (A, frozenset({X}), False) in kernel.cuts
    assert flows.serving == {Y[0]}


def test_a_cut_that_fails_is_tried_again_and_the_other_nodes_do_not_wait(
    kernel: Kernel, flows: Flows
) -> None:
    flows.apply(balancing(X, Y))
    kernel.unhealthy.add(X)
    kernel.uncut.add(A)
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as failed:
            flows.apply(balancing(X, Y))
        assert [str(error) for error in failed.value.exceptions] == [f"{A} forgets nothing"]
    assert kernel.cuts == [(B, frozenset({X}), False), (B, frozenset({X}), True)]
    assert flows.serving == {Y[0]}

    kernel.uncut.clear()
    kernel.cuts.clear()
    flows.apply(balancing(X, Y))
    assert kernel.cuts == [(A, frozenset({X}), False), (A, frozenset({X}), True)]
    kernel.cuts.clear()
    flows.apply(balancing(X, Y))
    assert kernel.cuts == [], "once is enough"


def test_no_unanswered_flow_is_forgotten_about_while_cuts_fail(
    kernel: Kernel, flows: Flows
) -> None:
    flows.apply(balancing(X))
    kernel.uncut.add(A)
    for targets in (Y, Z):
        with pytest.raises(ExceptionGroup):
            flows.apply(balancing(targets))
    kernel.uncut.clear()
    kernel.cuts.clear()
    flows.apply(balancing(Z))
    assert kernel.cuts == [(A, frozenset({X, Y}), True)]
