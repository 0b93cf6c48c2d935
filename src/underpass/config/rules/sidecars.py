"""Rules of ``[[service.sidecars]]``: who waits for whom, and what one task has for all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from underpass.config.model import Config, Sidecar
from underpass.config.model.sidecars import APPLICATION
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs
from underpass.config.rules.service import misplaced_references, writable

_SIDECARS: KeyPath = ("service", "sidecars")
_DEPENDS = docs("AmazonECS/latest/APIReference/API_ContainerDependency")
_CONTAINER = docs("AmazonECS/latest/APIReference/API_ContainerDefinition")
_MOST = 9  # ECS takes ten containers, the application's among them
_MOST_ENVIRONMENT = 57_344  # bytes of the 65,536 of a task definition, as of [service] environment
_MORE = 20  # bytes around each variable: {"name": …, "value": …}
_REST = 1_500  # bytes of a sidecar besides its variables, with room
_LONGEST_ON_FARGATE = 120
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?")


def _named(config: Config) -> Iterator[tuple[KeyPath, Sidecar]]:
    for at, one in enumerate(config.service.sidecars):
        yield (*_SIDECARS, at), one


def _one_source(config: Config) -> Iterator[Fault]:
    for at, one in _named(config):
        keys: tuple[KeyPath, ...] = ((*at, "build"), (*at, "image"))
        if one.build is None and one.image is None:
            add = 'add build = "sidecar/" or image = "..."'
            yield Fault((at, *keys), "has neither build nor image", add)
        if one.build is not None and one.image is not None:
            yield Fault(keys[::-1], "is given together with build", "leave one of them out")


def _names(config: Config) -> Iterator[Fault]:
    for at, one in _named(config):
        if one.name == APPLICATION:  # the rest of what a name may be is the workers' rule
            what = f'"{one.name}" is the application\'s own container'
            yield Fault(((*at, "name"),), what, "give it another name")
    if (count := len(config.service.sidecars)) > _MOST:
        what = f"are {count}, and a task has {_MOST + 1} containers at most"
        source = docs("AmazonECS/latest/developerguide/service-quotas")
        yield Fault((_SIDECARS,), what, "leave some out", source=source)


def _dependencies(config: Config) -> Iterator[Fault]:
    by_name = {one.name: one for one in config.service.sidecars}
    for key, name, waits in _waiting(config):
        for on, condition in waits.items():
            if on == name:
                what, add = "is the container itself", "leave it out"
            elif on != APPLICATION and on not in by_name:
                what, add = f'there is no sidecar "{on}"', _known(config, name, on)
            elif condition == "healthy" and not _health_of(config, on):
                what = f"{on} has no health_command, and is never known to be healthy"
                add = f'give it one in {_section(on)}, or write {on} = "start"'
            elif condition in ("complete", "success") and _is_essential(by_name, on):
                what = (
                    f"{on} is essential: the task ends with it, and ECS refuses to wait for its end"
                )
                wait = f'write {on} = "start" or "healthy"'
                add = (
                    wait
                    if on == APPLICATION
                    else f"write essential = false for {on}, or {wait[6:]}"
                )
            else:
                continue
            keys = ((*key, on), *_where(config, on))
            yield Fault(keys, what, add, source=_DEPENDS)
    yield from _cycles(config)


def _waiting(config: Config) -> Iterator[tuple[KeyPath, str, Mapping[str, str]]]:
    """Yield what every container waits for, with its key and its own name."""
    yield ("service", "depends_on"), APPLICATION, config.service.depends_on
    for at, one in _named(config):
        yield (*at, "depends_on"), one.name, one.depends_on


def _cycles(config: Config) -> Iterator[Fault]:
    waiting = {name: (key, waits) for key, name, waits in _waiting(config)}
    graph = {
        name: [on for on in waits if on != name and on in waiting]
        for name, (_, waits) in waiting.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = [*reversed(error.args[1])]
        keys = tuple((*waiting[one][0], on) for one, on in pairwise(circle))
        what = " waits for ".join(circle)
        yield Fault(
            keys, f"{what}: none of them would ever start", "leave one out", source=_DEPENDS
        )


def _known(config: Config, waiting: str, on: str) -> str:
    others = dict.fromkeys([APPLICATION, *(one.name for one in config.service.sidecars)])
    names = [name for name in others if name != waiting]
    if on == config.name:
        return f"write {APPLICATION} = ...: so the application's own is called here"
    near = get_close_matches(on, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(names)}" if names else "add it as one of [[service.sidecars]]"


def _where(config: Config, on: str) -> tuple[KeyPath, ...]:
    """Return the section of a container: what it says of itself was read."""
    return tuple(at for at, one in _named(config) if one.name == on)


def _section(on: str) -> str:
    return "[service]" if on == APPLICATION else "its [[service.sidecars]]"


def _health_of(config: Config, on: str) -> bool:
    checks = {one.name: one.health_command for one in config.service.sidecars}
    return bool(({APPLICATION: config.service.health_command} | checks)[on])


def _is_essential(by_name: Mapping[str, Sidecar], on: str) -> bool:
    return on == APPLICATION or by_name[on].essential


def _sizes(config: Config) -> Iterator[Fault]:
    for name, unit in (("cpu", "CPU units"), ("memory", "MiB")):
        having = [(at, size) for at, one in _named(config) if (size := getattr(one, name))]
        taken, there = sum(size for _, size in having), getattr(config.service, name)
        if taken > there:
            keys = ((*having[-1][0], name), ("service", name), *((*at, name) for at, _ in having))
            what = f"the sidecars have {taken} {unit} of their own, and the whole task has {there}"
            yield Fault(
                keys, what, f"write less, or more of it in [service] {name}", source=_CONTAINER
            )


def _ports(config: Config) -> Iterator[Fault]:
    taken: dict[int, tuple[str, KeyPath]] = {
        config.service.port: ("the application", ("service", "port"))
    }
    for at, one in _named(config):
        if one.port is None:
            continue
        key: KeyPath = (*at, "port")
        if one.port in taken:
            who, other = taken[one.port]
            what = f"{one.port} is taken by {who}: a task's containers share one address"
            yield Fault((key, other), what, "write another one")
        taken.setdefault(one.port, (one.name, key))


def _folders(config: Config) -> Iterator[Fault]:
    for at, one in _named(config):
        yield from writable((*at, "writable"), one.writable)


def _environment(config: Config) -> Iterator[Fault]:
    for at, one in _named(config):
        key: KeyPath = (*at, "environment")
        if "AWS_REGION" in one.environment:
            what = "underpass sets it itself, from the region"
            yield Fault(((*key, "AWS_REGION"),), what, "leave it out")
        texts: dict[KeyPath, str] = {(*key, name): text for name, text in one.environment.items()}
        yield from misplaced_references(texts)


def _whole(config: Config) -> Iterator[Fault]:
    """Yield the fault of a task definition that all its containers together make too long."""
    service = config.service
    every = [
        {**service.environment, **service.secrets},
        *({**one.environment, **one.secrets} for one in service.sidecars),
    ]
    sizes = [len(json.dumps(one, ensure_ascii=False).encode()) + _MORE * len(one) for one in every]
    whole = sum(sizes) + _REST * len(config.service.sidecars)
    if config.service.sidecars and whole > _MOST_ENVIRONMENT:
        largest = max(range(len(every)), key=sizes.__getitem__)
        own: KeyPath = ("service",) if not largest else (*_SIDECARS, largest - 1)
        yield Fault(
            ((*own, "environment"), _SIDECARS),
            f"has {sizes[largest]:,} bytes, and a task definition has 65,536 for all its containers",
            "read long values from a file of the image",
            source=docs("AmazonECS/latest/developerguide/service-quotas"),
        )


def _users(config: Config) -> Iterator[Fault]:
    for at, one in _named(config):
        if one.user is not None and not _USER.fullmatch(one.user):
            what = f'"{one.user}" is no user'
            yield Fault(((*at, "user"),), what, 'write one such as "1000", "1000:1000" or "envoy"')


def _times(config: Config) -> Iterator[Fault]:
    if config.capacity.provider != "fargate":
        return
    for at, one in _named(config):
        if one.start_timeout > _LONGEST_ON_FARGATE:
            keys: tuple[KeyPath, ...] = ((*at, "start_timeout"), ("capacity", "provider"))
            what = f"Fargate waits {_LONGEST_ON_FARGATE} s at most"
            yield Fault(keys, what, f"write {_LONGEST_ON_FARGATE}", source=_CONTAINER)


RULES: tuple[Rule, ...] = (
    _one_source,
    _names,
    _dependencies,
    _sizes,
    _ports,
    _folders,
    _environment,
    _whole,
    _users,
    _times,
)
