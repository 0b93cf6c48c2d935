"""Which failed checks of a container count."""

from __future__ import annotations

from underpass.twin.region.clock import SPEED
from underpass.twin.services.ecs.container_health import Failures

INTERVAL_S = 10.0
SHORT_S = INTERVAL_S / SPEED


def test_a_container_that_starts_has_as_long_as_in_aws() -> None:
    failures = Failures(INTERVAL_S, 0.0, 100.0)
    found = [failures.note(100.0 + second, starting=True) for second in range(31)]
    assert (found[9], found[10], found[29], found[30]) == (0, 1, 2, 3)


def test_none_counts_within_the_start_period() -> None:
    failures = Failures(INTERVAL_S, 60.0, 100.0)
    assert [failures.note(at, starting=True) for at in (130.0, 159.9, 160.0, 169.0, 170.0)] == [
        *(0, 0, 1, 1, 2)
    ]


def test_one_that_was_healthy_is_given_up_on_the_twins_clock() -> None:
    failures = Failures(INTERVAL_S, 60.0, 100.0)
    steps = (0.0, SHORT_S / 2, SHORT_S, 2 * SHORT_S)
    assert [failures.note(110.0 + step, starting=False) for step in steps] == [1, 1, 2, 3]
