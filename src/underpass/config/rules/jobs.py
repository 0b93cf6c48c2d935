"""Rules of ``[[jobs]]``: what they run, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs
from underpass.schedule_expressions import parse

_EXPRESSIONS = docs("scheduler/latest/UserGuide/schedule-types")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = 5  # of a line of crontab


def _commands(config: Config) -> Iterator[Fault]:
    for at, job in enumerate(config.jobs):
        key: KeyPath = ("jobs", at, "command")
        if not job.command:
            example = 'write one such as ["python", "-m", "app.report"]'
            yield Fault((key,), "is empty: the image's own command is the service", example)


def _schedules(config: Config) -> Iterator[Fault]:
    for at, job in enumerate(config.jobs):
        key: KeyPath = ("jobs", at, "schedule")
        text = job.schedule
        try:
            schedule = parse(text)
        except ValueError as error:
            wrong, instead = str(error), _instead(text)
        else:
            if schedule.after(_LONG_AGO) is not None:
                continue
            wrong, instead = f"{text} is never due", "name a day there is"
        yield Fault((key,), wrong, instead, source=_EXPRESSIONS)


def _instead(text: str) -> str:
    """Return what to write instead of what EventBridge does not take."""
    if text.strip().startswith("at("):
        return "leave the job out and run it once with `underpass run --job`, or write a cron(...)"
    if any(unit in text for unit in ("second", "week", "month")) and "rate" in text:
        return (
            'a rate is of minutes, hours or days; write one such as "rate(1 day)", or a cron(...)'
        )
    for other in _alike(text):
        try:
            parse(other)
        except ValueError:
            continue
        return f'write "{other}"'
    return 'write one such as "cron(0 5 * * ? *)", every day at 5:00, or "rate(1 hour)"'


def _alike(text: str) -> Iterator[str]:
    """Yield what may have been meant."""
    kind, _, rest = text.strip().removesuffix(")").rpartition("(")
    fields = rest.split()
    if kind.lower() in {"rate", "every", ""} and len(fields) == 2:
        number, unit = fields[0], fields[1].lower().rstrip("s")
        yield f"rate({number} {unit}{'' if number == '1' else 's'})"
    if len(fields) == _FIELDS:  # a line of crontab, whose days of the week begin with 0
        fields = [*fields, "*"]
        fields[4] = ",".join(_after_crontab(part) for part in fields[4].split(","))
    if len(fields) == _FIELDS + 1:
        yield f"cron({' '.join(fields)})"
        for day in (4, 2):
            if fields[day] in {"*", "?"}:
                other = 6 - day
                days = {day: "?", other: "*" if fields[other] == "?" else fields[other]}
                yield f"cron({' '.join(days.get(at, one) for at, one in enumerate(fields))})"


def _after_crontab(days: str) -> str:
    return "-".join(
        str(int(day) % 7 + 1) if day.isdigit() and len(day) == 1 else day for day in days.split("-")
    )


def _zones(config: Config) -> Iterator[Fault]:
    for at, job in enumerate(config.jobs):
        if _known(job.timezone) or not _known("UTC"):  # a machine without zones cannot tell
            continue
        near = get_close_matches(job.timezone.replace(" ", "_").title(), _zone_names(), 1, 0.5)
        yield Fault(
            (("jobs", at, "timezone"),),
            f'there is no time zone "{job.timezone}"',
            f'did you mean "{near[0]}"?' if near else 'write one such as "Europe/Berlin"',
            source=_EXPRESSIONS,
        )


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not zone.startswith(("posix", "right"))


RULES: tuple[Rule, ...] = (_commands, _schedules, _zones)
