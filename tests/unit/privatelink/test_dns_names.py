"""What endpoints are called, and where the names lead."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.elbv2 import sample

from underpass.twin.services.elbv2.model import Eni, LoadBalancer
from underpass.twin.services.privatelink.connections import (
    connections,
    endpoint_records,
)
from underpass.twin.services.privatelink.model import Endpoint, ServiceConnection

BASE = "vpce-svc-1.us-east-1.vpce.amazonaws.com"
NLB = sample.balancer("network")
ENIS = (Eni("eni-e-a", "a", "10.20.0.7"), Eni("eni-e-b", "b", "10.20.1.7"))
ENDPOINT = Endpoint(
    id="vpce-1",
    vpc_id="vpc-c",
    state="available",
    service="com.amazonaws.vpce.us-east-1.vpce-svc-1",
    balancers=(NLB.arn,),
    enis=ENIS,
    names=(f"vpce-1-x.{BASE}", f"vpce-1-x-a.{BASE}", f"vpce-1-x-b.{BASE}"),
)


def up(_: str) -> bool:
    return True


def everywhere(_: LoadBalancer, __: Eni) -> bool:
    return True


def only_a(_: LoadBalancer, node: Eni) -> bool:
    return node.zone == "a"


NLBS = sample.balancing(NLB)


def test_an_endpoint_has_a_regional_name_and_one_a_zone() -> None:
    connected = connections((ENDPOINT,), NLBS, up)
    records, private = endpoint_records(connected, only_a)
    assert records == {
        f"vpce-1-x.{BASE}": ("10.20.0.7",),
        f"vpce-1-x-a.{BASE}": ("10.20.0.7",),
        f"vpce-1-x-b.{BASE}": ("10.20.1.7",),
    }
    assert private == {}


def test_a_zone_whose_interface_is_not_connected_has_no_name() -> None:
    connected = connections((ENDPOINT,), NLBS, lambda name: name != "eni-e-a")
    records, _ = endpoint_records(connected, everywhere)
    assert records == {
        f"vpce-1-x.{BASE}": ("10.20.1.7",),
        f"vpce-1-x-b.{BASE}": ("10.20.1.7",),
    }


def test_a_private_name_is_known_in_the_consumers_vpc_only() -> None:
    named = replace(ENDPOINT, names=(*ENDPOINT.names, "notes.example.com"))
    connected = connections((named,), NLBS, up)
    known, private = endpoint_records(connected, everywhere)
    assert "notes.example.com" not in known
    assert private == {"vpc-c": {"notes.example.com": ("10.20.0.7", "10.20.1.7")}}


def test_only_accepted_endpoints_are_connected_and_only_within_their_zone() -> None:
    for state, count in (("pendingAcceptance", 0), ("rejected", 0), ("pending", 2)):
        found = connections((replace(ENDPOINT, state=state),), NLBS, up)
        assert len(found) == count
        assert all(one.eni.zone == one.node.zone for one in found)
    assert connections((ENDPOINT,), NLBS, lambda name: name != "eni-e-a")[0].eni.zone == "b"
    lost = replace(ENDPOINT, enis=(Eni("eni-e-c", "c", "10.20.2.7"),))
    assert connections((lost,), NLBS, up) == ()


def test_an_endpoint_of_aws_answers_for_the_service_in_its_own_vpc_only() -> None:
    stem, base = "vpce-9-abc", "logs.us-east-1.vpce.amazonaws.com"
    endpoint = Endpoint(
        id="vpce-9",
        vpc_id="vpc-9",
        state="available",
        service="com.amazonaws.us-east-1.logs",
        balancers=(),
        enis=ENIS,
        names=(
            f"{stem}.{base}",
            f"{stem}-a.{base}",
            f"{stem}-b.{base}",
            "logs.us-east-1.amazonaws.com",
        ),
    )
    connected = [ServiceConnection(endpoint, eni) for eni in endpoint.enis]
    known, private = endpoint_records(connected, only_a)
    both = tuple(sorted(eni.address for eni in endpoint.enis))
    assert private == {"vpc-9": {"logs.us-east-1.amazonaws.com": both}}
    assert known == {
        f"{stem}.{base}": both,
        f"{stem}-a.{base}": ("10.20.0.7",),
        f"{stem}-b.{base}": ("10.20.1.7",),
    }
