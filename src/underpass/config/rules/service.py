"""Rules of ``[service]``: what runs, where it may write, how many of it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from underpass.config.hints import quoted
from underpass.config.model import Between, Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated

_PROGRAMS = ("/bin", "/boot", "/etc", "/lib", "/lib64", "/sbin", "/usr")
_SYSTEM = frozenset((*_PROGRAMS, "/", "/root", "/run", "/var"))
_KERNEL = ("/dev", "/proc", "/sys")
_SHELLS_OWN = frozenset("|&;<>$`*()")  # what only a shell makes something of
_REFERENCE = re.compile(r"\{\{resolve:([^:{}]*):([^{}]*)\}\}")
_REST = 8_192  # bytes of a task definition besides its variables, with room
_MOST_ENVIRONMENT = 65_536 - _REST
_SECRET_SERVICES = ("secretsmanager", "ssm-secure")


def _one_source(config: Config) -> Iterator[Fault]:
    keys: tuple[KeyPath, ...] = (("service", "build"), ("service", "image"))
    if config.service.build is None and config.service.image is None:
        yield Fault(keys, "is missing, and so is image", 'add build = "." or image = "..."')
    if config.service.build is not None and config.service.image is not None:
        yield Fault(keys[::-1], "is given together with build", "leave one of them out")


def _least_and_most(config: Config) -> Iterator[Fault]:
    between: tuple[tuple[KeyPath, Between], ...] = (
        (("service", "tasks"), config.service.tasks),
        (("capacity", "instances"), config.capacity.instances),
        *((("workers", at, "tasks"), one.tasks) for at, one in enumerate(config.workers)),
    )
    for path, value in between:
        if value.min > value.max:
            yield Fault(
                ((*path, "max"), (*path, "min")), f"{value.max} is less than min, {value.min}"
            )


def _scaling(config: Config) -> Iterator[Fault]:
    scaling, tasks = config.service.scaling, config.service.tasks
    # From none there is no way up, whatever is followed: a warning of the preflight.
    if not scaling.cpu and not scaling.requests and 0 < tasks.min < tasks.max:
        yield Fault(
            (("service", "scaling"), ("service", "tasks")),
            f"follows nothing, so that tasks never go from {tasks.min} to {tasks.max}",
            f"write cpu = 60, or tasks = {{ min = {tasks.min}, max = {tasks.min} }}",
            source=docs("AmazonECS/latest/developerguide/service-autoscaling-targettracking"),
        )


def environments(config: Config) -> dict[KeyPath, Mapping[str, str]]:
    """Return the plain variables of each kind of task, by where they stand."""
    return {
        ("service", "environment"): config.service.environment,
        **{
            ("workers", at, "environment"): one.environment for at, one in enumerate(config.workers)
        },
        **{("jobs", at, "environment"): one.environment for at, one in enumerate(config.jobs)},
    }


def reserved_variables(config: Config) -> dict[str, str]:
    """Return the variables underpass sets itself, and from what."""
    reserved = {"AWS_REGION": "the region"}
    if config.database:
        parts = ("HOST", "PORT", "NAME", "USERNAME", "PASSWORD")
        reserved |= dict.fromkeys((f"DATABASE_{part}" for part in parts), "[database]")
    if config.assets:
        reserved["ASSETS_BUCKET"] = "[assets]"
    if config.files:
        reserved["FILES_PATH"] = "[files]"
    return reserved


def _reserved_variables(config: Config) -> Iterator[Fault]:
    reserved = reserved_variables(config)
    for path, variables in environments(config).items():
        for name in variables:
            if name in reserved:
                yield Fault(
                    ((*path, name),),
                    f"underpass sets it itself, from {reserved[name]}",
                    "leave it out or give it another name",
                )


def _environment(config: Config) -> Iterator[Fault]:
    for path, variables in environments(config).items():
        whole = {**config.service.environment, **variables, **config.service.secrets}
        entries = [{"name": name, "value": text} for name, text in whole.items()]
        size = len(json.dumps(entries, ensure_ascii=False).encode())
        if size > _MOST_ENVIRONMENT:
            yield Fault(
                (path,),
                f"has {size:,} bytes, and ECS takes a task definition of 65,536, with {_REST:,} for the rest",
                "read long values from a file of the image, or from a store",
                source=docs("AmazonECS/latest/developerguide/service-quotas"),
            )
            return  # what is the service's, every other has too


def _references(config: Config) -> Iterator[Fault]:
    texts: dict[KeyPath, str] = {
        (*path, name): text
        for path, variables in environments(config).items()
        for name, text in variables.items()
    }
    for path, words in commands(config).items():
        texts |= {(*path, at): text for at, text in enumerate(words)}
    yield from misplaced_references(texts)


def misplaced_references(texts: Mapping[KeyPath, str]) -> Iterator[Fault]:
    """Yield what is wrong with CloudFormation's dynamic references in texts, by where they stand."""
    for key, text in texts.items():
        for found in _REFERENCE.finditer(text):
            if told := _misplaced(*found.groups(), beside="sidecars" in key):
                source = docs("AWSCloudFormation/latest/UserGuide/dynamic-references")
                yield Fault((key,), *told, source=source)


def _misplaced(service: str, name: str, *, beside: bool) -> tuple[str, str] | None:
    """Return what is wrong with a dynamic reference, which CloudFormation replaces by what it names."""
    if service in _SECRET_SERVICES:
        others = "the database's are passed by underpass, and others go in [service] secrets"
        return (
            f"puts a secret of {service} where everybody who may see the task definition reads it",
            f"leave it out: {'it goes in its own secrets' if beside else others}",
        )
    if service != "ssm":
        return f'CloudFormation resolves no "{service}"', "write {{resolve:ssm:NAME}}"
    return None if name else ("names no parameter", "write {{resolve:ssm:NAME}}")


def commands(config: Config) -> dict[KeyPath, tuple[str, ...]]:
    """Return what is run in containers by word of the file, by where it stands."""
    service: dict[KeyPath, tuple[str, ...]] = {
        ("service", "health_command"): config.service.health_command,
        ("service", "release"): config.service.release,
    }
    workers: dict[KeyPath, tuple[str, ...]] = {
        ("workers", at, key): words
        for at, one in enumerate(config.workers)
        for key, words in (("command", one.command), ("health_command", one.health_command))
    }
    sidecars: dict[KeyPath, tuple[str, ...]] = {
        ("service", "sidecars", at, key): words
        for at, one in enumerate(config.service.sidecars)
        for key, words in (("command", one.command), ("health_command", one.health_command))
    }
    jobs: dict[KeyPath, tuple[str, ...]] = {
        ("jobs", at, "command"): one.command for at, one in enumerate(config.jobs)
    }
    return service | workers | sidecars | jobs


def _commands(config: Config) -> Iterator[Fault]:
    for path, command in commands(config).items():
        checks = path[-1] == "health_command"
        source = docs(
            "AmazonECS/latest/APIReference/API_"
            + ("HealthCheck" if checks else "ContainerDefinition")
        )
        if checks and command[:1] and command[0] in ("CMD", "CMD-SHELL", "NONE"):
            rest = list(command[1:])
            if command[0] == "CMD-SHELL":
                rest = ["sh", "-c", *rest]
            yield Fault(
                (path,),
                f'starts with "{command[0]}", which underpass writes itself',
                f"write {_listed(rest)}",
                source=source,
            )
        elif len(command) == 1 and " " in command[0].strip():
            yield Fault(
                (path,),
                "is a whole line, and no shell reads it",
                f"write {_listed(_words(command[0]))}",
                source=source,
            )
        for at, word in enumerate(command):
            # The twin would put its own there; in AWS nobody does.
            if "{python}" in word:
                what = "{python} is for process, on the twin, and stands as it is in a command"
                yield Fault(
                    ((*path, at),), what, f"write {quoted(word.replace('{python}', 'python'))}"
                )


def _words(line: str) -> list[str]:
    if _SHELLS_OWN & set(line):
        return ["sh", "-c", line]
    try:
        return shlex.split(line)
    except ValueError:  # a quote without its end
        return line.split()


def _listed(words: list[str]) -> str:
    return f"[{', '.join(map(quoted, words))}]"


def _mount_point(config: Config) -> Iterator[Fault]:
    if not config.files:
        return
    mount = PurePosixPath(config.files.mount)
    if str(mount) in _SYSTEM or _never(mount):
        yield Fault(
            (("files", "mount"),),
            f'"{config.files.mount}" would hide the container\'s own files',
            'write one such as "/data"',
        )


def _writable(config: Config) -> Iterator[Fault]:
    key: KeyPath = ("service", "writable")
    yield from writable(key, config.service.writable)
    for folder in map(PurePosixPath, config.service.writable):
        if config.files:
            mount = PurePosixPath(config.files.mount)
            if folder.is_relative_to(mount) or mount.is_relative_to(folder):
                yield Fault(
                    (key, ("files", "mount")),
                    f'"{folder}" and the file system at "{mount}" would hide one another',
                    "leave it out: the file system can be written" if folder == mount else "",
                )


def writable(key: KeyPath, named: tuple[str, ...]) -> Iterator[Fault]:
    """Yield what is wrong with the folders a container may write."""
    folders = [PurePosixPath(folder) for folder in named]
    repeated = first_repeated(folders)
    if repeated is not None:
        yield Fault((key,), f'"{folders[repeated]}" is there twice', "leave one out")
    for folder in folders:
        if _never(folder) or str(folder) in ("/", *_PROGRAMS):
            yield Fault(
                (key,),
                f'an empty "{folder}" would hide the container\'s own files',
                'write a folder below it, or one such as "/tmp"',
            )


def _never(folder: PurePosixPath) -> bool:
    return ".." in folder.parts or any(folder.is_relative_to(top) for top in _KERNEL)


RULES: tuple[Rule, ...] = (
    _one_source,
    _least_and_most,
    _scaling,
    _reserved_variables,
    _environment,
    _references,
    _commands,
    _mount_point,
    _writable,
)
