"""Where tasks go: over zones, over instances, and why there is no room."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.ecs.model import Host, Launch, Need, Task
from underpass.twin.services.ecs.placement import Misfit, choose, open_zones, spread

A, B = "us-east-1a", "us-east-1b"
NEED = Need(256, 512)


def host(name: str, zone: str, **more: object) -> Host:
    made = Host(f"arn:{name}", f"i-{name}", "cluster", zone, 2048, 3884, 2)
    return replace(made, **more)  # type: ignore[arg-type]


def task(name: str, zone: str = "", on: str = "", need: Need = NEED) -> Task:
    return Task(name, "cluster", Launch("app:1", need), 0, zone=zone, host=on)


def place(count: int, hosts: list[Host], need: Need = NEED) -> list[Task]:
    placed: list[Task] = []
    for number in range(count):
        zones = spread({host.zone for host in hosts}, placed, placed)
        found = choose(need, zones, hosts, placed, placed)
        if isinstance(found, Host):
            placed.append(task(f"t{number}", found.zone, found.arn, need))
    return placed


def test_tasks_alternate_between_zones_and_then_between_instances() -> None:
    hosts = [host("1", A), host("2", A), host("3", B)]
    assert [one.host for one in place(4, hosts)] == ["arn:1", "arn:3", "arn:2", "arn:3"]


def test_a_t3_medium_holds_two_awsvpc_tasks() -> None:
    hosts = [host("1", A)]
    placed = place(3, hosts)
    assert len(placed) == 2
    misfit = choose(NEED, [A], hosts, placed, placed)
    assert isinstance(misfit, Misfit)
    assert (
        'The closest matching (container-instance arn:1) encountered error "RESOURCE:ENI"'
        in misfit.reason
    )


def test_a_task_that_stopped_makes_room() -> None:
    stopped = [replace(task(f"t{n}", A, "arn:1"), stopped_at=1.0) for n in range(2)]
    assert isinstance(choose(NEED, [A], [host("1", A)], stopped, []), Host)


def test_why_nothing_fits_is_said_in_ecs_words() -> None:
    def why(need: Need, *hosts: Host) -> str:
        misfit = choose(need, [A], list(hosts), [], [])
        assert isinstance(misfit, Misfit)
        return misfit.reason

    assert why(NEED).startswith("Reason: No Container Instances were found in your cluster.")
    assert why(NEED, host("1", A, draining=True)).startswith("Reason: No Container Instances")
    assert "has insufficient memory available" in why(Need(0, 4000), host("1", A))
    assert "has insufficient CPU units available" in why(Need(4096, 1), host("1", A))


def test_a_full_zone_does_not_keep_tasks_waiting() -> None:
    hosts = [host("1", A, interfaces=1), host("2", B, interfaces=3)]
    assert [one.zone for one in place(4, hosts)] == [A, B, B, B]
    assert open_zones(NEED, [A, B], hosts, place(2, hosts)) == {B}


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 4)), max_size=5), st.integers(0, 12)
)
def test_no_host_ever_holds_more_than_it_has(slots: list[tuple[str, int]], count: int) -> None:
    hosts = [host(str(n), zone, interfaces=free) for n, (zone, free) in enumerate(slots)]
    placed = place(count, hosts)
    for one in hosts:
        there = [task for task in placed if task.host == one.arn]
        assert len(there) <= one.interfaces
        assert sum(task.launch.need.memory_mib for task in there) <= one.memory_mib
    assert len(placed) == min(count, sum(min(free, 7) for _, free in slots))
