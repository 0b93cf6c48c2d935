"""Accepting connections: ours, once, and nobody else's."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeCloudFormation, FakeTarget, Pages

from underpass.config import Config
from underpass.config.model import Consumer
from underpass.deploy.consumers import Acceptance, check_private_name, dropped, parameters
from underpass.deploy.stacks.events import StackEvent
from underpass.errors import UnderpassError

THEIRS = Consumer(name="analytics", private_dns=True)


class FakeEc2:
    """Connections of endpoint services: (service, endpoint) to state."""

    def __init__(self, **states: str) -> None:
        self.states = {key.replace("_", "-"): state for key, state in states.items()}
        self.accepted: list[str] = []
        self.unsuccessful: list[Any] = []
        self.proof: dict[str, str] = {}

    def describe_vpc_endpoint_service_configurations(self, ServiceIds: list[str]) -> Any:
        assert ServiceIds == ["vpce-svc-1"]
        service = {"PrivateDnsName": "n.example.com", "PrivateDnsNameConfiguration": self.proof}
        return {"ServiceConfigurations": [service]}

    def get_paginator(self, _: str) -> Pages:
        return Pages("VpcEndpointConnections", self._connections)

    def _connections(self, Filters: Any) -> list[Any]:
        assert Filters == [{"Name": "service-id", "Values": ["vpce-svc-1"]}]
        return [
            {"VpcEndpointId": endpoint, "VpcEndpointState": state}
            for endpoint, state in self.states.items()
        ]

    def accept_vpc_endpoint_connections(self, ServiceId: str, VpcEndpointIds: list[str]) -> Any:
        self.accepted += VpcEndpointIds
        self.states.update(dict.fromkeys(VpcEndpointIds, "pending"))
        return {"Unsuccessful": self.unsuccessful}


def event(physical_id: str, kind: str = "AWS::EC2::VPCEndpoint") -> StackEvent:
    return StackEvent("1", "Endpoint", physical_id, kind, "CREATE_IN_PROGRESS")


def test_our_endpoint_is_accepted_as_soon_as_its_stack_has_made_it() -> None:
    ec2 = FakeEc2(vpce_1="pendingAcceptance", vpce_2="pendingAcceptance")
    acceptance = Acceptance(ec2, "vpce-svc-1")
    acceptance.watch((event(""), event("vpc-1", "AWS::EC2::VPC")))
    assert not ec2.accepted
    acceptance.watch((event("vpce-1"),))
    acceptance.watch(())
    assert acceptance.finish("vpce-1")
    assert ec2.accepted == ["vpce-1"]


def test_a_connection_that_is_not_there_yet_is_looked_for_again() -> None:
    ec2 = FakeEc2()
    acceptance = Acceptance(ec2, "vpce-svc-1")
    assert not acceptance.finish("vpce-1")
    ec2.states["vpce-1"] = "pendingAcceptance"
    assert acceptance.finish("vpce-1")
    assert ec2.accepted == ["vpce-1"]


@pytest.mark.parametrize("state", ["available", "pending"])
def test_an_endpoint_that_is_in_needs_nothing(state: str) -> None:
    ec2 = FakeEc2(vpce_1=state)
    assert Acceptance(ec2, "vpce-svc-1").finish("vpce-1")
    assert not ec2.accepted


@pytest.mark.parametrize("state", ["rejected", "failed", "Rejected"])
def test_a_refused_endpoint_is_an_error(state: str) -> None:
    with pytest.raises(UnderpassError, match=f"the connection of endpoint vpce-1 is {state}"):
        Acceptance(FakeEc2(vpce_1=state), "vpce-svc-1").finish("vpce-1")


def test_an_acceptance_that_does_not_succeed_is_an_error() -> None:
    ec2 = FakeEc2(vpce_1="pendingAcceptance")
    ec2.unsuccessful = [{"ResourceId": "vpce-1", "Error": {"Message": "not yours"}}]
    with pytest.raises(UnderpassError, match="not yours"):
        Acceptance(ec2, "vpce-svc-1").finish("vpce-1")


def test_the_parameters_are_the_networks() -> None:
    network = SimpleNamespace(vpc_id="vpc-1", subnet_ids=("a", "b"))
    assert parameters(network, "com.amazonaws.vpce.x") == {
        "EndpointServiceName": "com.amazonaws.vpce.x",
        "VpcId": "vpc-1",
        "SubnetIds": "a,b",
    }


def test_a_private_name_is_used_once_it_is_verified() -> None:
    ec2 = FakeEc2()
    ec2.proof = {"State": "pendingVerification", "Name": "_abc", "Value": "vpce:xyz"}
    with pytest.raises(UnderpassError, match=r"n\.example\.com is pendingVerification") as refused:
        check_private_name(ec2, "vpce-svc-1", THEIRS)
    assert '_abc.n.example.com TXT "vpce:xyz"' in refused.value.why
    check_private_name(ec2, "vpce-svc-1", Consumer(name="analytics"))
    ec2.proof["State"] = "verified"
    check_private_name(ec2, "vpce-svc-1", THEIRS)


class Accounts(FakeTarget):
    """A target that knows several accounts, the provider's first."""

    def __init__(self, *there: FakeCloudFormation) -> None:
        super().__init__({"cloudformation": there[0]})
        self.there = there

    def everywhere(self, service: str) -> Any:
        return self.there


def stacks(account: str, *names: str) -> FakeCloudFormation:
    cloudformation = FakeCloudFormation()
    for name in names:
        made = cloudformation.has(f"notes-consumer-{name}", "CREATE_COMPLETE")
        made.id = made.id.replace(made.id.split(":")[4], account)
        made.tags = [
            {"Key": "underpass:application", "Value": "notes"},
            {"Key": "underpass:consumer", "Value": name},
        ]
    return cloudformation


@pytest.mark.parametrize(
    ("account", "gone"),
    [
        ("", [("other", "1"), ("desk", "2")]),
        ("111111111111", [("other", "1"), ("desk", "2")]),
        ("222222222222", [("desk", "1"), ("other", "1")]),
        ("333333333333", [("desk", "1"), ("other", "1"), ("desk", "2")]),
    ],
)
def test_a_stack_is_dropped_where_its_consumer_is_no_more(
    account: str, gone: list[tuple[str, str]]
) -> None:
    target = Accounts(stacks("111111111111", "desk", "other"), stacks("222222222222", "desk"))
    consumers = [{"name": "desk", **({"account": account} if account else {})}]
    service = {"build": ".", "port": 80}
    config = Config.model_validate({"name": "notes", "service": service, "consumers": consumers})
    found = dropped(target, config)
    assert [(one.name, one.stack.id.split(":")[4][0]) for one in found] == gone
    assert all(one.cloudformation in target.there for one in found)
