"""When each schedule is due, by the real clock. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from underpass.schedule_expressions import Rate, parse


@dataclass(frozen=True)
class Entry:
    """An enabled schedule as Scheduler describes it, and when it is due next; None for never again."""

    described: Mapping[str, Any]
    due: datetime | None

    @property
    def arn(self) -> str:
        """Which schedule it is."""
        return str(self.described["Arn"])


def revised(
    before: Mapping[str, Entry], described: Iterable[Mapping[str, Any]], now: datetime
) -> dict[str, Entry]:
    """Return the timetable of what Scheduler describes now; what did not change is due as it was.

    A rate begins with the schedule, and anew with each change of it: it is due at once, as AWS has it for one
    without a start date. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """
    found = {}
    for one in described:
        if one.get("State", "ENABLED") != "ENABLED":
            continue
        known = before.get(str(one["Arn"]))
        entry = known if known and known.described == one else Entry(one, _first(one, now))
        found[entry.arn] = entry
    return found


def advanced(entry: Entry, now: datetime) -> Entry:
    """Return an entry that has just run; what came due while that was late is not made up for."""
    due = entry.due or now
    following = _after(entry.described, due)
    while following is not None and following <= now - timedelta(minutes=1):
        following = _after(entry.described, max(following, now - timedelta(minutes=1)))
    return replace(entry, due=following)


def _first(described: Mapping[str, Any], now: datetime) -> datetime | None:
    begin = max(now, _moment(described.get("StartDate")) or now)
    if isinstance(parse(described["ScheduleExpression"], once=True), Rate):
        return _unless_over(described, begin)
    return _after(described, begin)


def _after(described: Mapping[str, Any], moment: datetime) -> datetime | None:
    schedule = parse(described["ScheduleExpression"], once=True)
    zone = ZoneInfo(described.get("ScheduleExpressionTimezone") or "UTC")
    return _unless_over(described, schedule.after(moment, zone))


def _unless_over(described: Mapping[str, Any], due: datetime | None) -> datetime | None:
    end = _moment(described.get("EndDate"))
    return None if due is None or (end and due > end) else due


def _moment(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromtimestamp(float(value), UTC)
