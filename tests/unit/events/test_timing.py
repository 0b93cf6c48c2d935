from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underpass.schedule_expressions import Rate, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(1 hour)", 3600),
        ("rate(2 days)", 172800),
    ],
)
def test_rate(expression: str, seconds: int) -> None:
    assert parse(expression) == Rate(seconds)


# Examples of EventBridge's documentation, and the corners of each field.
@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("cron(0 10 * * ? *)", "2026-11-22T10:00:00", "2026-11-23T10:00:00"),
        ("cron(15 12 * * ? *)", "2026-11-22T12:14:59", "2026-11-22T12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00", "2026-11-23T18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-11-22T00:00:00", "2026-12-01T08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-11-22T10:46:00", "2026-11-22T11:00:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-20T17:55:00", "2026-11-23T08:00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-11-22T00:00:00", "2026-12-07T09:00:00"),
        ("cron(0 9 ? * 6L *)", "2026-11-22T00:00:00", "2026-11-27T09:00:00"),
        ("cron(0 9 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T09:00:00"),
        ("cron(0 9 LW * ? *)", "2026-02-01T00:00:00", "2026-02-27T09:00:00"),
        ("cron(0 9 1W * ? *)", "2026-08-01T00:00:00", "2026-08-03T09:00:00"),
        ("cron(0 9 15W * ? *)", "2026-11-01T00:00:00", "2026-11-16T09:00:00"),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 22-2/2 * * ? *)", "2026-11-22T22:30:00", "2026-11-23T00:00:00"),
        ("cron(0 0 ? JAN,MAR sat 2027)", "2026-11-22T00:00:00", "2027-01-02T00:00:00"),
        ("cron(0 0 31 2-4 ? *)", "2026-01-01T00:00:00", "2026-03-31T00:00:00"),
    ],
)
def test_cron(expression: str, moment: str, due: str) -> None:
    assert parse(expression).after(at(moment)) == at(due)


@pytest.mark.parametrize("expression", ["cron(0 0 30 2 ? *)", "cron(0 0 1 1 ? 2020)"])
def test_cron_that_is_never_due(expression: str) -> None:
    assert parse(expression).after(at("2026-11-22T00:00:00")) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 minute",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(5 seconds)",
        "cron(0 10 * * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 0 * ? *)",
        "cron(0 10 32W * ? *)",
        "cron(0 10 * 13 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * MON#6 *)",
        "cron(0/0 10 * * ? *)",
        "cron(a 10 * * ? *)",
        "cron(0 10 * * ? 1969)",
    ],
)
def test_expression_eventbridge_refuses(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "moment", "due"),
    [
        ("cron(0 5 * * ? *)", "2026-01-10T00:00:00", "2026-01-10T04:00:00"),
        ("cron(0 5 * * ? *)", "2026-07-10T00:00:00", "2026-07-10T03:00:00"),
        ("cron(30 0 ? * MON *)", "2026-07-12T22:00:00", "2026-07-12T22:30:00"),  # Monday there
        ("cron(30 2 * * ? *)", "2026-03-28T12:00:00", "2026-03-30T00:30:00"),  # not on the 29th
        ("cron(30 2 * * ? *)", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),  # twice: the first
        ("cron(30 2 * * ? *)", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_cron_by_the_clocks_of_a_zone(expression: str, moment: str, due: str) -> None:
    assert parse(expression).after(at(moment), ZoneInfo("Europe/Berlin")) == at(due)


def test_once() -> None:
    once = parse("at(2030-01-31T05:00:00)", once=True)
    before = at("2026-01-01T00:00:00")
    assert once.after(before) == at("2030-01-31T05:00:00")
    assert once.after(before, ZoneInfo("Asia/Tokyo")) == at("2030-01-30T20:00:00")
    assert once.after(at("2030-01-31T05:00:00")) is None
    with pytest.raises(ValueError, match="neither"):
        parse("at(2030-01-31T05:00:00)")  # of rules EventBridge knows no such one
    with pytest.raises(ValueError, match="not a time"):
        parse("at(2030-01-31)", once=True)


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)).map(  # noqa: DTZ001
    lambda m: m.replace(tzinfo=UTC)
)


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["*", "1", "15", "L", "LW", "31W"]),
    MOMENTS,
)
def test_cron_is_due_after_the_moment_at_the_minute_named_and_not_before(
    minute: int, hour: int, day: str, moment: datetime
) -> None:
    cron = parse(f"cron({minute} {hour} {day} * ? *)")
    due = cron.after(moment)
    assert due is not None
    assert due > moment
    assert (due.hour, due.minute, due.second) == (hour, minute, 0)
    assert due - moment <= timedelta(days=1 if day == "*" else 63)
    assert cron.after(due - timedelta(seconds=1)) == due
