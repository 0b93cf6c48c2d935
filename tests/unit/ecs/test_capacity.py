"""When a capacity provider asks for more instances."""

from __future__ import annotations

from typing import Any

from underpass.twin.services.ecs.model import Host, Launch, Need, Network, Task
from underpass.twin.services.ecs.placement import Placing, make_room, wanted_capacity
from underpass.twin.services.ecs.table import Table

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/app"
NEED = Need(256, 512)


class Cloud:
    """Answers for EC2, ECS and Auto Scaling: one subnet, one group."""

    def __init__(self, desired: int, most: int) -> None:
        self.desired, self.most = desired, most

    def __call__(self, service: str) -> Cloud:
        return self

    def describe_subnets(self, **_: Any) -> dict[str, Any]:
        return {"Subnets": [{"SubnetId": "subnet-1", "AvailabilityZone": "a"}]}

    def describe_capacity_providers(self, **_: Any) -> dict[str, Any]:
        scaling = {"managedScaling": {"status": "ENABLED"}, "autoScalingGroupArn": "arn:x/group"}
        return {"capacityProviders": [{"autoScalingGroupProvider": scaling}]}

    def describe_auto_scaling_groups(self, **_: Any) -> dict[str, Any]:
        return {"AutoScalingGroups": [group(self.desired, self.most)]}

    def set_desired_capacity(self, **wanted: Any) -> None:
        self.desired = wanted["DesiredCapacity"]


def group(desired: int, most: int) -> dict[str, int]:
    return {"DesiredCapacity": desired, "MaxSize": most}


def hosts(count: int) -> list[Host]:
    return [
        Host(f"arn:{n}", f"i-{n}", CLUSTER, "a", 2048, 3884, 2, group="cp") for n in range(count)
    ]


def waiting(table: Table, count: int) -> None:
    launch = Launch(
        "arn:definition", NEED, capacity_provider="cp", network=Network(("subnet-1",), ())
    )
    for n in range(count):
        table.put(Task(id=f"{n:032}", cluster_arn=CLUSTER, launch=launch, created_at=n))


def test_it_asks_for_what_its_tasks_need_and_no_more_than_it_may() -> None:
    on = {"status": "ENABLED"}
    two = hosts(2)
    assert wanted_capacity(group(2, 4), on, two, [NEED]) == 3
    assert wanted_capacity(group(2, 4), on, two, [NEED] * 3) == 4
    assert wanted_capacity(group(2, 4), on, two, [NEED] * 9) == 4
    assert wanted_capacity(group(2, 2), on, two, [NEED]) == 2
    assert wanted_capacity(group(2, 9), {**on, "maximumScalingStepSize": 1}, two, [NEED] * 9) == 3
    assert wanted_capacity(group(3, 9), on, two, [NEED]) == 3  # one is on its way
    assert wanted_capacity(group(2, 9), on, two, [Need(256, 9999)]) == 2  # fits on none
    assert wanted_capacity(group(0, 3), on, [], [NEED]) == 1


def test_tasks_that_found_no_room_get_more_instances() -> None:
    cloud: Any = Cloud(desired=2, most=9)
    table = Table()
    table.set_hosts(hosts(2))
    waiting(table, 7)
    make_room(cloud, Placing(table, cloud).place_all(now=0.0))
    assert cloud.desired == 4  # two tasks to an instance, three without a place


def test_instances_that_register_after_the_look_for_room_are_not_taken_for_full() -> None:
    cloud: Any = Cloud(desired=2, most=9)
    table = Table()
    waiting(table, 4)
    short = Placing(table, cloud).place_all(now=0.0)
    table.set_hosts(hosts(2))
    make_room(cloud, short)
    assert cloud.desired == 2
