"""When a schedule is due: by the real clock, from the schedule's beginning, and in its own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from underpass.twin.services.scheduler.controller import task
from underpass.twin.services.scheduler.timetable import Entry, advanced, revised

NOW = datetime(2030, 1, 31, 12, 0, 30, tzinfo=UTC)


def schedule(expression: str, **more: Any) -> dict[str, Any]:
    return {"Arn": "arn:one", "Name": "one", "ScheduleExpression": expression, **more}


def entry(expression: str, now: datetime = NOW, **more: Any) -> Entry:
    (found,) = revised({}, [schedule(expression, **more)], now).values()
    return found


def test_a_rate_is_due_at_once_and_then_a_period_after_another() -> None:
    first = entry("rate(5 minutes)")
    assert first.due == NOW
    assert advanced(first, NOW).due == NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("expression", "zone", "due"),
    [
        ("cron(0 5 * * ? *)", "UTC", datetime(2030, 2, 1, 5, tzinfo=UTC)),
        ("cron(0 5 * * ? *)", "America/New_York", datetime(2030, 2, 1, 10, tzinfo=UTC)),
        ("at(2030-02-01T00:00:00)", "Asia/Tokyo", datetime(2030, 1, 31, 15, tzinfo=UTC)),
        ("at(2030-01-31T00:00:00)", "UTC", None),
    ],
)
def test_a_cron_is_due_by_the_clocks_of_its_zone(
    expression: str, zone: str, due: datetime | None
) -> None:
    assert entry(expression, ScheduleExpressionTimezone=zone).due == due


def test_what_did_not_change_is_due_as_it_was_and_what_did_begins_anew() -> None:
    before = {"arn:one": advanced(entry("rate(1 hour)"), NOW)}
    later = NOW + timedelta(minutes=10)
    same = revised(before, [schedule("rate(1 hour)")], later)
    assert same == before
    (other,) = revised(before, [schedule("rate(1 hour)", Description="x")], later).values()
    assert other.due == later
    assert revised(before, [schedule("rate(1 hour)", State="DISABLED")], later) == {}
    assert revised(before, [], later) == {}


def test_what_came_due_while_nothing_ran_is_not_made_up_for() -> None:
    slept = NOW + timedelta(hours=3)
    late = advanced(entry("cron(0/5 * * * ? *)"), slept)
    assert late.due is not None
    assert late.due > slept - timedelta(minutes=1)
    assert late.due <= slept + timedelta(minutes=5)


def test_it_begins_and_ends_when_it_says() -> None:
    begin, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    first = entry("rate(1 hour)", StartDate=begin, EndDate=end)
    assert first.due == begin
    assert advanced(first, begin).due == end
    assert advanced(advanced(first, begin), end).due is None


def test_run_task_is_asked_for_what_the_schedule_says() -> None:
    network = {"awsvpcConfiguration": {"Subnets": ["subnet-1"]}}
    asked = task(
        schedule(
            "rate(1 hour)",
            Target={
                "Arn": "arn:aws:ecs:us-east-1:1:cluster/app",
                "EcsParameters": {
                    "TaskDefinitionArn": "arn:def:1",
                    "EnableECSManagedTags": True,
                    "Group": "report",
                    "NetworkConfiguration": network,
                    "Tags": [{"a": "b"}],
                },
            },
        )
    )
    assert asked == {
        "cluster": "arn:aws:ecs:us-east-1:1:cluster/app",
        "taskDefinition": "arn:def:1",
        "count": 1,
        "startedBy": "chronos-schedule/one",
        "enableECSManagedTags": True,
        "group": "report",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
        "tags": [{"key": "a", "value": "b"}],
    }
