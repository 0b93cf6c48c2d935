"""Rules of ``[capacity]``: whether what is asked for holds the tasks."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts import InstanceType, instance_type, instances
from underpass.config.model import Config
from underpass.config.positions import KeyPath
from underpass.config.problems import Fault
from underpass.config.rules.rule import Rule, docs

_GIB = 1024
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html, MiB
_FARGATE = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: tuple(range(1 * _GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
}
_RESERVED_NAMES = ("aws", "ecs", "fargate")
_TYPE: KeyPath = ("capacity", "instance_type")
_PROVIDER: KeyPath = ("capacity", "provider")
ENI = docs("AmazonECS/latest/developerguide/container-instance-eni")


def _reserved_name(config: Config) -> Iterator[Fault]:
    # A capacity provider's name starts with its stack's, and ECS refuses these beginnings.
    if config.capacity.provider == "ec2" and config.name.startswith(_RESERVED_NAMES):
        start = next(start for start in _RESERVED_NAMES if config.name.startswith(start))
        yield Fault(
            (("name",), _PROVIDER),
            f'ECS reserves names that start with "{start}" for its own capacity providers',
            "choose another name",
            source=docs("AmazonECS/latest/APIReference/API_CreateCapacityProvider"),
        )


def _fargate_sizes(config: Config) -> Iterator[Fault]:
    if config.capacity.provider != "fargate":
        return
    cpu, memory = config.service.cpu, config.service.memory
    keys: tuple[KeyPath, ...] = (("service", "cpu"), _PROVIDER)
    source = docs("AmazonECS/latest/developerguide/task-cpu-memory-error")
    if cpu not in _FARGATE:
        nearest = min(_FARGATE, key=lambda size: abs(size - cpu))
        what = f"Fargate has no size of {cpu} CPU units"
        yield Fault(keys, what, f"write {nearest}", source=source)
    elif memory not in _FARGATE[cpu]:
        sizes = _FARGATE[cpu]
        nearest = min((size for size in sizes if size >= memory), default=sizes[-1])
        what = f"Fargate has no {memory} MiB with {cpu} CPU units"
        yield Fault((("service", "memory"), *keys), what, f"write {nearest}", source=source)


def _instances(config: Config) -> Iterator[Fault]:
    if config.capacity.provider != "ec2":
        return
    name = config.capacity.instance_type
    kind = instance_type(name)
    if kind is None:
        if not instances.newer(name):
            near = instances.nearest(name)
            yield Fault(
                (_TYPE, _PROVIDER),
                f'there is no instance type "{name}"',
                f'did you mean "{near}"?' if near else "",
                source="https://docs.aws.amazon.com/ec2/latest/instancetypes/",
            )
    elif kind.architecture.endswith("_mac"):
        yield Fault(
            (_TYPE, _PROVIDER),
            f"{name} runs macOS, and ECS has no agent for it",
            'write one such as "t3.medium"',
            source=docs("AmazonECS/latest/developerguide/ecs-agent-versions"),
        )
    else:
        yield from _one_task(config, kind) or _every_task(config, kind)


def _one_task(config: Config, kind: InstanceType) -> list[Fault]:
    """Return why not even one task fits on an instance."""
    service = config.service
    larger = instances.smallest(service.cpu, service.memory, kind)
    suggestion = f'write instance_type = "{larger}", or less ' if larger else "write less "
    found = [
        Fault(
            (_TYPE, ("service", key), _PROVIDER),
            f"{_a(kind.name)} has {has} {unit}, and a task asks for {asks}",
            suggestion + key,
            source=docs("AmazonECS/latest/developerguide/task_definition_parameters"),
        )
        for has, asks, unit, key in (
            (kind.cpu_units, service.cpu, "CPU units", "cpu"),
            (kind.memory_mib, service.memory, "MiB", "memory"),
        )
        if asks > has
    ]
    if not found and kind.interfaces < 2:
        what = f"{_a(kind.name)} has one network interface, its own, and each task needs one"
        found.append(Fault((_TYPE, _PROVIDER), what, "write a larger one", source=ENI))
    return found


def _every_task(config: Config, kind: InstanceType) -> list[Fault]:
    """Return why ``tasks.min`` never fit on ``instances.max``; less room than that is a warning later."""
    service, most = config.service, config.capacity.instances.max
    each = kind.room(service.cpu, service.memory)
    if service.tasks.min <= each * most:
        return []
    needed = -(-service.tasks.min // each)
    return [
        Fault(
            (
                ("capacity", "instances", "max"),
                _TYPE,
                _PROVIDER,
                *((("service", key)) for key in ("cpu", "memory")),
                ("service", "tasks", "min"),
            ),
            f"{most} x {kind.name} hold {each * most} tasks, and tasks.min is {service.tasks.min}: "
            + arithmetic(kind, service.cpu, service.memory),
            f"write max = {needed}, or a larger instance_type",
            source=ENI,
        )
    ]


def arithmetic(kind: InstanceType, cpu: int, memory: int) -> str:
    """Return what an instance has room for, spelled out: its interfaces, its CPU, its memory."""
    return (
        f"each has {kind.interfaces} network interfaces, one its own, for {kind.interfaces - 1} tasks; "
        f"{kind.cpu_units} / {cpu} CPU units for {kind.cpu_units // cpu}; "
        f"{kind.memory_mib} / {memory} MiB for {kind.memory_mib // memory}"
    )


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


RULES: tuple[Rule, ...] = (_reserved_name, _fargate_sizes, _instances)
