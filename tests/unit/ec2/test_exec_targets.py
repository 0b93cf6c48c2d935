"""Places are found by the words people use."""

from __future__ import annotations

from typing import Any, cast

import pytest

from underpass.errors import UnderpassError
from underpass.twin.region.aws import Clients
from underpass.twin.services.ec2.exec_targets import interface_at


class FakeEc2:
    def describe_instances(self, **_: Any) -> dict[str, Any]:
        instance = {
            "Tags": [{"Key": "underpass:place", "Value": "consumer/analytics"}],
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-client"}],
        }
        return {"Reservations": [{"Instances": [instance]}]}


class FakeEcs:
    def list_clusters(self) -> dict[str, Any]:
        return {"clusterArns": ["cluster"]}

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": ["aa11", "aa22", "bb33", "cc44"]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        def task(name: str, status: str) -> dict[str, Any]:
            details = [{"name": "networkInterfaceId", "value": f"eni-{name}"}]
            return {
                "taskArn": f"arn:aws:ecs:us-east-1:1:task/cluster/{name}",
                "lastStatus": status,
                "attachments": [{"details": details}],
            }

        running = [task(name, "RUNNING") for name in ("aa11", "aa22", "bb33")]
        return {"tasks": [*running, task("cc44", "STOPPED")]}


class FakeClients(dict[str, Any]):
    def __call__(self, service: str) -> Any:
        return self[service]

    def of(self, _account: str) -> FakeClients:
        return self


clients = cast("Clients", FakeClients(ec2=FakeEc2(), ecs=FakeEcs()))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("internet", "internet"),
        ("consumer/analytics", "eni-client"),
        ("task/aa11", "eni-aa11"),
        ("task/b", "eni-bb33"),
    ],
)
def test_a_place_is_an_interface(place: str, name: str) -> None:
    assert interface_at(clients, place) == name


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("task/aa", "task/aa is more than one place"),
        ("task/", "task/ is more than one place"),
        ("task/cc44", "there is no place task/cc44"),
        ("consumer/ana", "there is no place consumer/ana"),
        ("", "there is no place "),
    ],
)
def test_what_is_no_place_is_refused_with_those_there_are(place: str, what: str) -> None:
    with pytest.raises(UnderpassError) as refused:
        interface_at(clients, place)
    assert refused.value.what == what
    assert refused.value.why == (
        "there are consumer/analytics, internet, task/aa11, task/aa22, task/bb33"
    )
