"""Which capacity provider each task starts on, by base and weight."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from underpass.twin.services.ecs.model import Launch, Share
from underpass.twin.services.ecs.strategy import launches

SPOT = (Share("FARGATE", 1, 2), Share("FARGATE_SPOT", 1000))


def started(strategy: tuple[Share, ...], count: int, *running: Launch) -> list[str]:
    launch = Launch("app:1", capacity_provider="FARGATE", strategy=strategy)
    return [one.capacity_provider for one in launches(launch, count, running)]


def test_the_base_comes_first_and_then_the_weights() -> None:
    assert started(SPOT, 5) == ["FARGATE"] * 2 + ["FARGATE_SPOT"] * 3
    assert Counter(started((Share("a", 1), Share("b", 3)), 8)) == {"a": 2, "b": 6}


def test_what_runs_is_counted() -> None:
    on_demand, spot = (
        Launch("app:1", capacity_provider="FARGATE"),
        Launch("app:1", capacity_provider="FARGATE_SPOT"),
    )
    assert started(SPOT, 1, on_demand, on_demand) == ["FARGATE_SPOT"]
    assert started(SPOT, 1, on_demand, spot, spot) == ["FARGATE"]  # one of the base is gone


def test_without_a_strategy_a_task_starts_where_the_launch_says() -> None:
    assert started((), 2) == ["FARGATE", "FARGATE"]


@given(base=st.integers(0, 9), count=st.integers(1, 30))
def test_no_more_than_the_base_is_on_demand_while_spot_weighs_nearly_all(
    base: int, count: int
) -> None:
    found = Counter(started((Share("FARGATE", 1, base), Share("FARGATE_SPOT", 1000)), count))
    assert found["FARGATE"] == min(base, count)
