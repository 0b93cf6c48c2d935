"""What load balancers are called, and where the names lead."""

from __future__ import annotations

from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2.model import Eni, LoadBalancer
from underpass.twin.services.elbv2.node_lifecycle import balancer_records

NLB = sample.balancer("network")


def up(_: str) -> bool:
    return True


def everywhere(_: LoadBalancer, __: Eni) -> bool:
    return True


def only_a(_: LoadBalancer, node: Eni) -> bool:
    return node.zone == "a"


def test_a_name_leads_to_the_zones_that_are_well_and_to_all_when_none_is() -> None:
    name = NLB.dns_name
    both = ("10.20.0.250", "10.20.1.250")
    assert balancer_records(sample.balancing(NLB), up, everywhere)[name] == both
    assert balancer_records(sample.balancing(NLB), up, only_a)[name] == ("10.20.0.250",)
    assert balancer_records(sample.balancing(NLB), up, lambda *_: False)[name] == both
    assert balancer_records(sample.balancing(NLB), up, only_a)[f"b.{name}"] == ("10.20.1.250",)
