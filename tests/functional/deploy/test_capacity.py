"""Instances and tasks: what never fits is refused, and what may not fit is warned of."""

from collections.abc import Callable
from typing import Any

import pytest

from underpass.config import Config
from underpass.deploy.preflight import capacity
from underpass.errors import UsageError

ZONES = {"use1-az6": "us-east-1a", "use1-az1": "us-east-1b"}


def config(provider: str = "ec2", instance_type: str = "t3.medium", **service: Any) -> Config:
    return Config.model_validate(
        {
            "name": "notes",
            "service": {"port": 80, "build": ".", **service},
            "capacity": {"provider": provider, "instance_type": instance_type},
        }
    )


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"memory": 4096}, "memory is 4096 MiB, and the instance has 4096, the system's share"),
        ({"instance_type": "t3.nano"}, "memory is 512 MiB, and the instance has 512"),
        ({"cpu": 2049}, "cpu is 2049 CPU units, and the instance has 2048"),
        ({"instance_type": "t3.medum"}, r"t3\.medum"),
    ],
)
def test_what_never_fits_is_refused(
    client: Callable[[str], Any], wanted: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        capacity.check(client("ec2"), config(**wanted), ZONES)


@pytest.mark.parametrize(
    ("wanted", "room"),
    [
        ({"tasks": {"min": 9, "max": 9}}, 8),  # three interfaces, one of them the instance's own
        ({"tasks": {"min": 5, "max": 9}, "memory": 3000}, 4),
        ({"tasks": {"min": 5, "max": 9}, "cpu": 2000}, 4),
        ({"tasks": {"min": 5, "max": 9}, "instance_type": "t3.micro"}, 4),
    ],
)
def test_what_may_not_fit_is_warned_of(
    client: Callable[[str], Any], wanted: dict[str, Any], room: int
) -> None:
    told = capacity.check(client("ec2"), config(**wanted), ZONES)
    assert f"have room for {room} tasks, and [service] tasks.min is" in told[0]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"tasks": {"min": 8, "max": 8}}, "a deployment starts a new task before it stops an old"),
        ({"tasks": {"min": 7, "max": 9}}, "have room for 8 tasks, and [service] tasks.max is 9"),
        ({"memory": 4000, "tasks": {"min": 2, "max": 3}}, "memory is 4000 MiB of the 4096"),
    ],
)
def test_what_fits_barely_is_warned_of(
    client: Callable[[str], Any], wanted: dict[str, Any], says: str
) -> None:
    (told,) = capacity.check(client("ec2"), config(**wanted), ZONES)
    assert says in told


@pytest.mark.parametrize("provider", ["ec2", "fargate"])
def test_no_task_at_all_is_warned_of_for_it_stays_so(
    client: Callable[[str], Any], provider: str
) -> None:
    wanted = config(provider, tasks={"min": 0, "max": 3})
    (told,) = capacity.check(client("ec2"), wanted, ZONES)
    assert told.startswith("[service] tasks.max is 3, and nothing scales up from tasks.min = 0")
    assert "(https://docs.aws.amazon.com/" in told


def test_a_zone_without_the_type_is_named(client: Callable[[str], Any]) -> None:
    # In us-east-1e there are older types only.
    with pytest.raises(UsageError) as caught:
        capacity.check(client("ec2"), config(), {**ZONES, "use1-az3": "us-east-1e"})
    assert caught.value.what == "instance type t3.medium is not offered in us-east-1e (use1-az3)"
    assert "use1-az6" in caught.value.why


@pytest.mark.parametrize(
    "wanted",
    [
        {"tasks": {"min": 7, "max": 8}},
        {"memory": 3800, "cpu": 2048, "tasks": {"min": 3, "max": 4}},
        {"provider": "fargate", "memory": 16384, "cpu": 4096},
    ],
)
def test_what_fits_passes(client: Callable[[str], Any], wanted: dict[str, Any]) -> None:
    assert not capacity.check(client("ec2"), config(**wanted), ZONES)
