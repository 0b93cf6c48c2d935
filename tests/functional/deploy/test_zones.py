"""Which Availability Zones an application is in: chosen once, by ids, and kept."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.deploy.fakes import FakeTarget, refused

from underpass.config import Config
from underpass.deploy.preflight.zones import application
from underpass.errors import UsageError

NAMES = {  # moto's us-east-1
    "use1-az6": "us-east-1a",
    "use1-az1": "us-east-1b",
    "use1-az2": "us-east-1c",
    "use1-az4": "us-east-1d",
    "use1-az3": "us-east-1e",
    "use1-az5": "us-east-1f",
}


class World:
    """An account with moto's zones, in some of which the instance type is offered."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.ec2 = client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.outputs: dict[str, str] = {}
        self.given: dict[str, str] = {}
        self.offered = [*NAMES]
        api = SimpleNamespace(
            describe_subnets=self.ec2.describe_subnets,
            describe_availability_zones=self.ec2.describe_availability_zones,
            describe_instance_type_offerings=self._offerings,
        )
        cloudformation = SimpleNamespace(describe_stacks=self._stacks)
        self.target = FakeTarget({"ec2": api, "cloudformation": cloudformation})
        self.target.self_contained = False

    def _offerings(self, **_: Any) -> Any:
        return {"InstanceTypeOfferings": [{"Location": zone} for zone in self.offered]}

    def _stacks(self, StackName: str) -> Any:
        if not self.outputs:
            raise refused(f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": self.outputs[key]} for key in self.outputs]
        one = {"StackName": StackName, "StackId": "1", "StackStatus": "CREATE_COMPLETE"}
        given = [{"ParameterKey": key, "ParameterValue": self.given[key]} for key in self.given]
        return {"Stacks": [one | {"Outputs": outputs, "Parameters": given}]}

    def subnets(self, zones: Sequence[str], first: int = 0) -> list[str]:
        return [
            self.ec2.create_subnet(
                VpcId=self.vpc,
                CidrBlock=f"10.0.{first + number}.0/24",
                AvailabilityZone=NAMES[zone],
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate(zones)
        ]

    def stands_in(self, *zones: str) -> None:
        self.outputs = {"VpcId": self.vpc, "AppSubnetIds": ",".join(self.subnets(zones))}

    def chosen(self, consumers: Sequence[Any] = (), **network: Any) -> list[str]:
        found = application(config(consumers=consumers, network=network), self.target)
        assert all(NAMES[zone] == name for zone, name in found.items())
        return [*found]

    def refusal(self, **network: Any) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.chosen(**network)
        return caught.value


def config(**sections: Any) -> Config:
    return Config.model_validate(
        {"name": "notes", "service": {"port": 80, "build": "."}, **sections}
    )


@pytest.fixture
def world(client: Callable[[str], Any]) -> World:
    return World(client)


def test_the_first_by_name_whatever_default_subnets_there_are(world: World) -> None:
    assert world.chosen() == ["use1-az6", "use1-az1"]
    default = [{"Name": "default-for-az", "Values": ["true"]}]
    for subnet in world.ec2.describe_subnets(Filters=default)["Subnets"][:3]:
        world.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    assert world.chosen() == ["use1-az6", "use1-az1"]


def test_those_that_offer_the_instance_type(world: World) -> None:
    world.offered = ["use1-az5", "use1-az1"]
    assert world.chosen() == ["use1-az1", "use1-az5"]
    told = world.refusal(zones=3)
    assert told.what == "us-east-1 has no 3 Availability Zones that offer t3.medium"
    assert "use1-az1, use1-az5" in told.why


def test_those_that_consumers_are_in(world: World) -> None:
    subnets = world.subnets(["use1-az4", "use1-az3"])
    theirs = {"name": "analytics", "vpc_id": world.vpc, "subnet_ids": subnets}
    assert world.chosen([theirs]) == ["use1-az4", "use1-az3"]
    assert world.chosen([theirs], zones=3) == ["use1-az6", "use1-az4", "use1-az3"]


def test_those_that_are_named(world: World) -> None:
    assert world.chosen(zone_ids=["use1-az4", "use1-az2"]) == ["use1-az4", "use1-az2"]
    told = world.refusal(zone_ids=["use1-az4", "use1-az9"])
    assert told.what == "there is no Availability Zone use1-az9 for this account"


def test_a_region_with_fewer_zones_is_refused(world: World) -> None:
    zones = world.ec2.describe_availability_zones()["AvailabilityZones"][:2]
    api = world.target.client("ec2")
    api.describe_availability_zones = lambda **_: {"AvailabilityZones": zones}
    told = world.refusal(zones=3)
    assert told.what == "us-east-1 has no 3 Availability Zones for this account"
    assert told.try_next == "write zones = 2 in [network]"


def test_what_stands_stays_where_it_is(world: World) -> None:
    """Also when the type is no longer offered there: a subnet cannot move."""
    world.stands_in("use1-az3", "use1-az2")
    world.offered = ["use1-az6", "use1-az1"]
    assert world.chosen() == ["use1-az3", "use1-az2"]
    assert world.chosen(zones=3) == ["use1-az3", "use1-az2", "use1-az6"]


def test_a_zone_that_goes_is_known_until_it_is_gone(world: World) -> None:
    world.stands_in("use1-az3", "use1-az2", "use1-az6")
    assert world.chosen() == ["use1-az3", "use1-az2", "use1-az6"]


def test_naming_what_stands_changes_nothing_and_naming_others_is_refused(world: World) -> None:
    world.stands_in("use1-az3", "use1-az2")
    assert world.chosen(zone_ids=["use1-az2", "use1-az3"]) == ["use1-az3", "use1-az2"]
    three = world.chosen(zones=3, zone_ids=["use1-az2", "use1-az3", "use1-az5"])
    assert three == ["use1-az3", "use1-az2", "use1-az5"]
    told = world.refusal(zone_ids=["use1-az3", "use1-az1"])
    assert told.what == "the subnets cannot move to other Availability Zones"
    assert 'zone_ids = ["use1-az3", "use1-az2"]' in told.try_next


def test_the_zones_of_an_existing_vpc_are_those_of_its_subnets(world: World) -> None:
    app = world.subnets(["use1-az4", "use1-az3"])
    there = {
        "vpc_id": world.vpc,
        "app_subnets": app,
        "data_subnets": world.subnets(["use1-az4"], 9),
    }
    assert world.chosen(**there) == ["use1-az4", "use1-az3"]


def test_a_zone_on_its_way_out_is_the_one_that_comes_back(world: World) -> None:
    """A deployment from three zones to two was stopped: the third subnet still has its block."""
    world.stands_in("use1-az6", "use1-az1")
    world.given = {"Zone1": "us-east-1a", "Zone2": "us-east-1b", "Zone3": "us-east-1e"}
    assert world.chosen(zones=3) == ["use1-az6", "use1-az1", "use1-az3"]
