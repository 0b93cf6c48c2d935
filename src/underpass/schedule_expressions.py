"""EventBridge's schedule expressions, and when they are due next. Pure.

Rules take ``rate(...)`` and ``cron(...)``, in UTC; EventBridge Scheduler ``at(...)`` too, and a time zone.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_YEARS = (1970, 2199)
_LOOK_AHEAD_DAYS = 366 * 29  # 29 February, on a given weekday, comes within 28 years (40 over 2100)


@dataclass(frozen=True)
class Rate:
    """Every so many seconds."""

    seconds: int

    def after(self, moment: datetime, _: tzinfo = UTC) -> datetime:
        """Return when it is due after having been due at ``moment``."""
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Once:
    """At one time of the clock, wherever the clock hangs."""

    time: datetime

    def after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """Return when it is due, in UTC, if that is after ``moment``."""
        due = self.time.replace(tzinfo=zone).astimezone(UTC)
        return due if due > moment else None


@dataclass(frozen=True)
class Cron:
    """At the minutes a cron expression names; the two day fields are as written, one of them ``?``."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    day_of_month: str
    day_of_week: str

    def after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """Return the first minute it names after ``moment``, in UTC; None when there is none.

        What the clocks of ``zone`` skip when they go forward is left out, and what they show twice when they
        go back is due once, the first time.
        """
        day = moment.astimezone(zone).date()
        for _ in range(_LOOK_AHEAD_DAYS):
            for due in self._on(day, zone):
                if due > moment:
                    return due
            if day.year >= max(self.years) and (day.month, day.day) == (12, 31):
                return None
            day += timedelta(days=1)
        return None

    def _on(self, day: date, zone: tzinfo) -> Iterator[datetime]:
        """Yield the minutes of a day it names, in order."""
        if day.month not in self.months or day.year not in self.years:
            return
        if day.day not in self._days(day.year, day.month):
            return
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                shown = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                due = shown.astimezone(UTC)
                if due.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
                    yield due

    def _days(self, year: int, month: int) -> frozenset[int]:
        """Return the days of a month it names."""
        if self.day_of_week == "?":
            return frozenset(_days_of_month(self.day_of_month, year, month))
        return frozenset(_days_of_week(self.day_of_week, year, month))


Schedule = Rate | Cron | Once


def parse(expression: str, *, once: bool = False) -> Schedule:
    """Return the schedule an expression describes; ``at(...)`` only with ``once``.

    Raises
    ------
    ValueError
        When EventBridge would not take it; the message says what is wrong.

    Example
    -------
    >>> parse("rate(5 minutes)")
    Rate(seconds=300)
    """
    form = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression.strip())
    if form is None or (form[1] == "at" and not once):
        raise ValueError(f"{expression!r} is neither rate(...) nor cron(...)")
    if form[1] == "at":
        return _once(form[2])
    return _rate(form[2]) if form[1] == "rate" else _cron(form[2])


def _once(text: str) -> Once:
    try:
        return Once(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"))  # noqa: DTZ007  its zone is told apart
    except ValueError:
        raise ValueError(f"at({text}) is not a time such as at(2030-01-31T05:00:00)") from None


def _rate(text: str) -> Rate:
    form = re.fullmatch(r"\s*(\d+)\s+(minute|hour|day)(s?)\s*", text)
    if form is None or int(form[1]) < 1:
        raise ValueError(f"rate({text}) is not a positive number of minutes, hours or days")
    if (int(form[1]) == 1) == bool(form[3]):
        raise ValueError(f"rate({text}): one is singular, more are plural")
    return Rate(int(form[1]) * _UNITS[form[2]])


def _cron(text: str) -> Cron:
    fields = text.split()
    if len(fields) != 6:
        raise ValueError(f"cron({text}) has {len(fields)} fields, not 6")
    minutes, hours, day_of_month, months, day_of_week, years = (field.upper() for field in fields)
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError(f"cron({text}): exactly one of day-of-month and day-of-week must be ?")
    cron = Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        months=_numbers(months, 1, 12, _MONTHS),
        years=_numbers(years, *_YEARS),
        day_of_month=day_of_month,
        day_of_week=day_of_week,
    )
    list(
        _days_of_month(day_of_month, 2024, 1)
        if day_of_week == "?"
        else _days_of_week(day_of_week, 2024, 1)
    )
    return cron


def _numbers(
    field: str, least: int, most: int, names: dict[str, int] | None = None
) -> frozenset[int]:
    """Return the numbers that a field of values, ranges and steps names."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = least, most
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, names, field)
            last = _number(end, names, field) if dash else (most if step else first)
        if not (least <= first <= most and least <= last <= most) or (step and not step.isdigit()):
            raise ValueError(f"{field!r} is not within {least}-{most}")
        if step and int(step) < 1:
            raise ValueError(f"{field!r} has a step of 0")
        stride = int(step or 1)
        # A range may go round (FRI-MON, 22-2).
        count = (last - first) % (most - least + 1) + 1
        found.update(
            (first - least + offset) % (most - least + 1) + least
            for offset in range(0, count, stride)
        )
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None, field: str) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit():
        raise ValueError(f"{field!r} is not a field of a cron expression")
    return int(text)


def _days_of_month(field: str, year: int, month: int) -> Iterator[int]:
    last = calendar.monthrange(year, month)[1]
    if field == "L":
        yield last
    elif field in {"LW", "WL"}:
        yield _nearest_weekday(year, month, last)
    elif field.endswith("W"):
        (day,) = _numbers(field[:-1], 1, 31)
        if day <= last:
            yield _nearest_weekday(year, month, day)
    else:
        yield from (day for day in _numbers(field, 1, 31) if day <= last)


def _days_of_week(field: str, year: int, month: int) -> Iterator[int]:
    last = calendar.monthrange(year, month)[1]
    by_day: dict[int, list[int]] = {number: [] for number in range(1, 8)}
    for day in range(1, last + 1):
        by_day[(calendar.weekday(year, month, day) + 1) % 7 + 1].append(day)
    if field == "L":
        yield from by_day[7]
        return
    for part in field.split(","):
        if part.endswith("L") and len(part) > 1:
            (wanted,) = _numbers(part[:-1], 1, 7, _DAYS)
            yield by_day[wanted][-1]
        elif "#" in part:
            name, _, which = part.partition("#")
            (wanted,) = _numbers(name, 1, 7, _DAYS)
            if not which.isdigit() or not 1 <= int(which) <= 5:
                raise ValueError(f"{field!r}: the number after # is 1 to 5")
            yield from by_day[wanted][int(which) - 1 : int(which)]
        else:
            for wanted in _numbers(part, 1, 7, _DAYS):
                yield from by_day[wanted]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Return the day from Monday to Friday nearest to ``day``, within the month."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < calendar.monthrange(year, month)[1] else day - 2
    return day
