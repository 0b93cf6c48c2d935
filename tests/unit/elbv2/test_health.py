"""From single checks to a target's health."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.elbv2.sample import CHECK

from underpass.twin.services.elbv2.health import (
    FAILED,
    HEALTHY,
    Health,
    State,
    Thresholds,
    mismatch,
)
from underpass.twin.services.elbv2.prober import matches

INTERVAL_S = Thresholds(CHECK).interval_s


def after(*outcomes: Health, apart_s: float = INTERVAL_S) -> Thresholds:
    thresholds = Thresholds(CHECK)
    for number, outcome in enumerate(outcomes):
        thresholds.after(outcome, number * apart_s)
    return thresholds


def test_a_new_target_is_healthy_after_one_success() -> None:
    assert after(HEALTHY).health == HEALTHY
    assert after(FAILED, HEALTHY).health == HEALTHY
    assert after(FAILED, FAILED, FAILED, HEALTHY).health == HEALTHY


def test_a_target_that_failed_recovers_by_the_healthy_threshold() -> None:
    down = (HEALTHY, FAILED, FAILED)
    assert after(*down).health == FAILED
    assert after(*down, HEALTHY, HEALTHY).health == FAILED
    assert after(*down, HEALTHY, HEALTHY, FAILED, HEALTHY, HEALTHY).health == FAILED
    assert after(*down, HEALTHY, HEALTHY, HEALTHY).health == HEALTHY


def test_one_failure_is_forgiven() -> None:
    assert after(HEALTHY, FAILED, HEALTHY, FAILED).health == HEALTHY


def test_the_last_reason_is_told() -> None:
    assert after(FAILED, mismatch(503)).health.description == (
        "Health checks failed with these codes: [503]"
    )
    assert after(FAILED, mismatch(503), FAILED).health == FAILED


def test_asking_a_new_target_often_does_not_give_it_up_sooner() -> None:
    hasty = after(*[FAILED] * 10, apart_s=INTERVAL_S / 10)
    assert hasty.health.state is State.INITIAL
    assert after(*[FAILED] * 11, apart_s=INTERVAL_S / 10).health.state is State.UNHEALTHY


@given(st.lists(st.booleans(), max_size=30))
def test_pauses_never_exceed_the_interval(outcomes: list[bool]) -> None:
    thresholds = after(*(HEALTHY if healthy else FAILED for healthy in outcomes))
    assert 0 <= thresholds.pause_s <= INTERVAL_S


def test_matchers() -> None:
    assert matches("200", 200)
    assert not matches("200", 204)
    assert matches("200-399", 302)
    assert not matches("200-399", 404)
    assert matches("200,302,404-405", 405)
