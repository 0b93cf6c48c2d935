"""Rules of ``[[workers]]``: how many of each there are, and their names, which jobs and sidecars share."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.model import Config
from underpass.config.model.section import titled
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs

RESERVED = ("release", "service")  # of what underpass itself runs beside the application


def named(config: Config) -> dict[KeyPath, str]:
    """Return the names of all that runs beside the service, by where they stand.

    A sidecar's too: all write to one log group, where a name is what tells whose a line is.
    """
    workers: dict[KeyPath, str] = {
        ("workers", at, "name"): one.name for at, one in enumerate(config.workers)
    }
    sidecars: dict[KeyPath, str] = {
        ("service", "sidecars", at, "name"): one.name
        for at, one in enumerate(config.service.sidecars)
    }
    jobs: dict[KeyPath, str] = {
        ("jobs", at, "name"): one.name for at, one in enumerate(config.jobs)
    }
    return sidecars | workers | jobs


def _names(config: Config) -> Iterator[Fault]:
    seen: dict[str, KeyPath] = {}
    for path, name in named(config).items():
        # Logical ids have capitals for hyphens: "job-1" and "job1" would be the same there.
        plain = titled(name)
        if name == config.name:
            yield Fault(
                (path, ("name",)), f'"{name}" is the application itself', "choose another name"
            )
        elif name in RESERVED:
            what = f'"{name}" is what underpass calls a part of its own'
            yield Fault((path,), what, "choose another name")
        elif plain in seen:
            *sections, at, _ = seen[plain]
            first = named(config)[seen[plain]]
            apart = "" if name == first else f', and "{name}" differs from it by hyphens alone'
            what = f'{".".join(map(str, sections))}[{at}] is called "{first}"{apart}'
            yield Fault((path, seen[plain]), what, "choose another name")
        seen.setdefault(plain, path)


def _scaling(config: Config) -> Iterator[Fault]:
    for at, one in enumerate(config.workers):
        # From none there is no way up, whatever is followed.
        if not one.scaling.cpu and 0 < one.tasks.min < one.tasks.max:
            yield Fault(
                (("workers", at, "scaling"), ("workers", at, "tasks")),
                f"follows nothing, so that tasks never go from {one.tasks.min} to {one.tasks.max}",
                f"write cpu = 60, or tasks = {{ min = {one.tasks.min}, max = {one.tasks.min} }}",
                source=docs("AmazonECS/latest/developerguide/service-autoscaling-targettracking"),
            )


def _from_none(config: Config) -> Iterator[Fault]:
    for at, one in enumerate(config.workers):
        if one.tasks.min == 0 and one.tasks.max > 1:
            yield Fault(
                (("workers", at, "tasks", "min"), ("workers", at, "tasks", "max")),
                "is 0, and from none no measure of CPU leads up",
                f"write tasks = {{ min = 1, max = {one.tasks.max} }}, or max = 1 for a worker that is off",
                source=docs("AmazonECS/latest/developerguide/service-autoscaling-targettracking"),
            )


RULES: tuple[Rule, ...] = (_names, _scaling, _from_none)
