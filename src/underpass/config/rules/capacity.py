"""Rules of ``[capacity]``: whether what is asked for holds the tasks."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.facts import InstanceType, instance_type, instances
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules import sizes
from underpass.config.rules.rule import Rule, docs
from underpass.config.rules.sizes import Size

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
_FIRST_GRAVITON = ("a1",)
_PARAVIRTUAL = ("c1", "m1", "m2", "t1")
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
    source = docs("AmazonECS/latest/developerguide/task-cpu-memory-error")
    for one in sizes.each(config):
        keys: tuple[KeyPath, ...] = (*one.keys("cpu"), _PROVIDER)
        if one.cpu not in _FARGATE:
            nearest = min(_FARGATE, key=lambda size: abs(size - one.cpu))
            what = f"Fargate has no size of {one.cpu} CPU units"
            yield Fault(keys, what, f"write {nearest}", source=source)
        elif one.memory not in _FARGATE[one.cpu]:
            fitting = _FARGATE[one.cpu]
            nearest = min((size for size in fitting if size >= one.memory), default=fitting[-1])
            what = f"Fargate has no {one.memory} MiB with {one.cpu} CPU units"
            yield Fault((*one.keys("memory"), *keys), what, f"write {nearest}", source=source)


def _instances(config: Config) -> Iterator[Fault]:
    if config.capacity.provider != "ec2":
        return
    name = config.capacity.instance_type
    kind = instance_type(name)
    if strange := _unfit(name, kind):
        yield strange
    elif kind is not None:
        unfit = [fault for one in sizes.each(config) for fault in _one_task(one, kind)]
        yield from unfit or _every_task(config, kind) or _with_workers(config, kind)
    elif not instances.newer(name):
        near = instances.nearest(name)
        yield Fault(
            (_TYPE, _PROVIDER),
            f'there is no instance type "{name}"',
            f'did you mean "{near}"?' if near else "",
            source="https://docs.aws.amazon.com/ec2/latest/instancetypes/",
        )


def _unfit(name: str, kind: InstanceType | None) -> Fault | None:
    """Return why the instances' AMI, the ECS-optimized Amazon Linux 2023, does not start on a type."""
    family = name.partition(".")[0]
    instead = "t3.medium"
    if kind is not None and kind.architecture.endswith("_mac"):
        what = f"{name} runs macOS, and ECS has no agent for it"
        source = docs("AmazonECS/latest/developerguide/ecs-agent-versions")
    elif family in _FIRST_GRAVITON:
        what = f"{name} has a Graviton of the first generation, and Amazon Linux 2023 needs a later one"
        instead = "t4g.medium"
        source = docs("batch/latest/APIReference/API_Ec2Configuration")
    elif family in _PARAVIRTUAL:
        what = f"{name} starts Linux from paravirtual AMIs only, and that of ECS is none"
        source = docs("AWSEC2/latest/UserGuide/virtualization_types")
    else:
        return None
    return Fault((_TYPE, _PROVIDER), what, f'write one such as "{instead}"', source=source)


def _one_task(task: Size, kind: InstanceType) -> list[Fault]:
    """Return why not even one task fits on an instance."""
    larger = instances.smallest(task.cpu, task.memory, kind)
    suggestion = f'write instance_type = "{larger}", or less ' if larger else "write less "
    cpu: tuple[KeyPath, ...] = (_TYPE, *task.keys("cpu"), _PROVIDER)
    memory: tuple[KeyPath, ...] = (_TYPE, *task.keys("memory"), _PROVIDER)
    found = []
    if task.cpu > kind.cpu_units:
        what = f"{_a(kind.name)} has {kind.cpu_units} CPU units, and a task asks for {task.cpu}"
        source = docs("AmazonECS/latest/developerguide/task_definition_parameters")
        found.append(Fault(cpu, what, f"{suggestion}cpu", source=source))
    if not kind.room_in_memory(task.memory):
        what = (
            f"{_a(kind.name)} has {kind.memory_mib} MiB, the system's share among them, "
            f"and a task asks for {task.memory}"
        )
        source = docs("AmazonECS/latest/developerguide/memory-management")
        found.append(Fault(memory, what, f"{suggestion}memory", source=source))
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


def _with_workers(config: Config, kind: InstanceType) -> list[Fault]:
    """Return why the least tasks of the service and of all workers never fit on ``instances.max``.

    However they are spread: how well tasks of several sizes share an instance only ECS finds out.
    """
    service, most = config.service, config.capacity.instances.max
    running = [(service.tasks.min, service.cpu, service.memory)]
    running += [
        (one.tasks.min, one.cpu or service.cpu, one.memory or service.memory)
        for one in config.workers
    ]
    needed = max(
        -(-sum(count for count, _, _ in running) // (kind.interfaces - 1)),
        -(-sum(count * cpu for count, cpu, _ in running) // kind.cpu_units),
        -(-sum(count * memory for count, _, memory in running) // kind.memory_mib),
    )
    if needed <= most:
        return []
    whole = sum(count for count, _, _ in running)
    minima: list[KeyPath] = [("workers", at, "tasks", "min") for at in range(len(config.workers))]
    return [
        Fault(
            (
                ("capacity", "instances", "max"),
                _TYPE,
                _PROVIDER,
                ("service", "tasks", "min"),
                *minima,
            ),
            f"{most} x {kind.name} do not hold the {whole} tasks that always run, the workers' among them: "
            f"each has room for {kind.interfaces - 1} tasks, {kind.cpu_units} CPU units and "
            f"{kind.memory_mib} MiB at most",
            f"write max = {needed} or more, or a larger instance_type",
            source=ENI,
        )
    ]


def arithmetic(kind: InstanceType, cpu: int, memory: int) -> str:
    """Return what an instance has room for, spelled out: its interfaces, its CPU, its memory."""
    return (
        f"each has {kind.interfaces} network interfaces, one its own, for {kind.interfaces - 1} tasks; "
        f"{kind.cpu_units} / {cpu} CPU units for {kind.cpu_units // cpu}; "
        f"less than {kind.memory_mib} / {memory} MiB for {kind.room_in_memory(memory)}"
    )


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _image(config: Config) -> Iterator[Fault]:
    capacity = config.capacity
    if capacity.provider == "fargate" and capacity.instance_image != "auto":
        yield Fault(
            (("capacity", "instance_image"), ("capacity", "provider")),
            "names an image for hosts, and Fargate has none",
            "leave it out",
        )


def _of_one_provider(config: Config) -> Iterator[Fault]:
    capacity = config.capacity
    if capacity.provider == "fargate":
        if capacity.ssm:
            yield Fault(
                (("capacity", "ssm"), _PROVIDER),
                "is about hosts, and Fargate has none",
                "leave it out; [service] exec = true opens a shell in a task",
            )
        return
    if capacity.architecture:
        yield Fault(
            (("capacity", "architecture"), _PROVIDER),
            f"is what instance_type says on ec2: {capacity.instance_type}",
            "leave it out; a type such as t4g.medium is arm64, one such as t3.medium x86_64",
            source=docs("ec2/latest/instancetypes/instance-type-names"),
        )
    if capacity.spot:
        yield Fault(
            (("capacity", "spot"), _PROVIDER),
            "is about Fargate Spot; underpass's hosts are on demand, and a savings plan makes them cheaper",
            'leave it out, or write provider = "fargate"',
            source=docs("AmazonECS/latest/developerguide/fargate-capacity-providers"),
        )


RULES: tuple[Rule, ...] = (_reserved_name, _fargate_sizes, _instances, _image, _of_one_provider)
