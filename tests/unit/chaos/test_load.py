"""What a load says of its requests, and what is made of a rotation's history."""

from __future__ import annotations

from underpass.twin.chaos.load import LoadResult
from underpass.twin.chaos.rotation import durations


def test_answers_of_5xx_and_no_answers_are_failures() -> None:
    seen = LoadResult()
    seen.statuses.update({200: 7, 404: 1, 503: 2})
    seen.errors.update({"TimeoutError": 3})
    seen.seconds.extend([0.01] * 12 + [2.5])
    told = seen.summary()
    assert (told["requests"], told["failed"]) == (13, 5)
    assert (told["over_a_second"], told["slowest_s"]) == (1, 2.5)
    assert told["statuses"] == {"200": 7, "404": 1, "503": 2}


def test_nothing_sent_is_nothing_failed() -> None:
    assert LoadResult().summary()["failed"] == 0


def test_durations_start_at_the_interface_and_end_at_the_registration() -> None:
    old = {
        "interface_id": "eni-1",
        "address": "10.0.0.1",
        "created": 0.0,
        "registered": 1.0,
        "detached": 20.0,
        "deleted": 23.0,
        "deregistered": 22.5,
    }
    fresh = {"interface_id": "eni-2", "address": "10.0.0.2", "created": 5.0, "named": 5.4}
    past = {**old, "interface_id": "eni-0", "address": "10.0.0.9"}
    new, gone = durations([past, old, {**fresh, "registered": 7.5}], {"eni-1"})
    assert gone == {
        "10.0.0.1": {"after_it_was_dead_s": 2.5, "after_its_interface_was_gone_s": -0.5}
    }
    assert new == {"10.0.0.2": {"named_s": 0.4, "registered_s": 2.5, "serving_s": None}}
