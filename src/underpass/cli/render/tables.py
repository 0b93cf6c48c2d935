"""What runs, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer

from underpass.deploy.observe.jobs import JobStatus
from underpass.deploy.observe.status import Status

_GOOD = {"healthy", "available", "running"}


def status(seen: Status) -> str:
    """Return everything ``status`` knows as text."""
    parts = [
        _table("stacks", [(one.name, one.status) for one in seen.stacks]),
        _table(
            "tasks", [(one.id, one.runs, one.zone, one.address, one.health) for one in seen.tasks]
        ),
        *_containers(seen),
        _table(
            "NLB targets (the ALB's nodes)",
            [(f"{t.address}:{t.port}", t.zone, t.state, t.reason) for t in seen.targets.nlb],
        ),
        _table(
            "ALB targets (the tasks)",
            [(f"{t.address}:{t.port}", t.zone, t.state, t.reason) for t in seen.targets.alb],
        ),
    ]
    if seen.database:
        database = seen.database
        parts.append(_table("database", [(database.id, database.status, database.endpoint)]))
    parts.append(
        _table("endpoints", [(one.consumer, one.id, one.state, one.url) for one in seen.endpoints])
    )
    if seen.jobs:
        parts.append(_table("jobs", [_job(one) for one in seen.jobs]))
    return "\n\n".join(parts)


def _containers(seen: Status) -> list[str]:
    rows = [(one.id[:8], each.name, each.state) for one in seen.tasks for each in one.containers]
    return [_table("containers of the tasks that have several", rows)] if rows else []


def _job(job: JobStatus) -> tuple[str, ...]:
    """Return a job's row; its next run by the job's own clocks and, where those differ, in UTC."""
    last, when = job.last_run, "not due"
    if job.next_run:
        due = datetime.fromisoformat(job.next_run)
        there = due.astimezone(ZoneInfo(job.timezone))
        when = f"next {there:%Y-%m-%d %H:%M} {job.timezone}"
        if there.utcoffset():
            when += f" ({due:%Y-%m-%d %H:%M} UTC)"
    if last is None:
        return job.name, job.schedule, when, "no run within the hour", ""
    how = last.state if last.exit_code is None else f"exit code {last.exit_code}"
    why = "" if last.exit_code == 0 else last.reason
    return job.name, job.schedule, when, f"last {last.began[11:19]} UTC: {how}", why


def failures(found: Iterable[Mapping[str, Any]]) -> str:
    """Return what failed in the region, and whether it is back, as text that follows other; "" for none."""
    rows = [
        (
            one["name"],
            "down" if one["down"] else "back",
            f"since {datetime.fromtimestamp(one['since']):%H:%M:%S}",  # noqa: DTZ006  the reader's own
            f"{one['failures']} times",
            one["error"],
        )
        for one in found
    ]
    return "\n\n" + _table("failures", rows) if rows else ""


def _table(title: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [list(row) for row in rows] or [["none"]]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    text = [typer.style(title, bold=True)]
    for line in lines:
        cells = (
            _coloured(cell, cell.ljust(width)) for cell, width in zip(line, widths, strict=True)
        )
        text.append("  " + "  ".join(cells).rstrip())
    return "\n".join(text)


def _coloured(cell: str, padded: str) -> str:
    if cell in _GOOD or cell.endswith("_COMPLETE"):
        return typer.style(padded, fg="green")
    if cell in {"unhealthy", "failed", "rejected", "down"} or cell.endswith("_FAILED"):
        return typer.style(padded, fg="red")
    return padded
