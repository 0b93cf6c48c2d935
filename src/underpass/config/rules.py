"""What several keys must agree on, and what AWS refuses whatever the key's form. Pure.

A rule is a function that yields what it finds. None of them judges taste: each names something that
would fail in AWS, or silently open the path to others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import PurePosixPath

from underpass.config.model import Between, Config
from underpass.config.positions import KeyPath
from underpass.config.problems import Fault

_PRIVATE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
_LARGEST_PREFIX = 16  # of a VPC
_SMALLEST_PREFIX = {2: 24, 3: 23}  # 6 subnets are cut from 8 equal parts, 9 from 16: /27 each
_SMALLEST_CONSUMER = 26  # a /28 in each of up to four zones
_SYSTEM_MOUNTS = frozenset(
    ("/bin", "/boot", "/etc", "/lib", "/lib64", "/root", "/run", "/sbin", "/usr", "/var")
)
_KERNEL_MOUNTS = ("/dev", "/proc", "/sys")
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
_ENGINES = {  # major versions RDS has had, and the one to suggest
    "postgres": (range(10, 40), "16"),
    "mysql": (range(5, 10), "8.4"),
    "mariadb": (range(10, 14), "11.4"),
}


def check(config: Config) -> tuple[Fault, ...]:
    """Return everything the rules find."""
    return tuple(fault for rule in _RULES for fault in rule(config))


def _reserved_name(config: Config) -> Iterator[Fault]:
    # A capacity provider's name starts with its stack's, and ECS refuses these beginnings.
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCapacityProvider.html
    if config.capacity.provider == "ec2" and config.name.startswith(_RESERVED_NAMES):
        start = next(start for start in _RESERVED_NAMES if config.name.startswith(start))
        yield Fault(
            (("name",), ("capacity", "provider")),
            f'ECS reserves names that start with "{start}" for its own capacity providers',
            "choose another name",
        )


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
    )
    for path, value in between:
        if value.min > value.max:
            yield Fault(
                ((*path, "max"), (*path, "min")), f"{value.max} is less than min, {value.min}"
            )


def _network_size(config: Config) -> Iterator[Fault]:
    cidr, zones = config.network.cidr, config.network.zones
    smallest = _SMALLEST_PREFIX[zones]
    keys: tuple[KeyPath, ...] = (("network", "cidr"), ("network", "zones"))
    if cidr.prefixlen < _LARGEST_PREFIX:
        yield Fault(keys[:1], "is larger than a VPC may be", f'write "{_resized(cidr, 16)}"')
    if cidr.prefixlen > smallest:
        yield Fault(
            keys,
            f"has no room for {zones * 3} subnets of 32 addresses, which the ALB needs",
            f'write "{_resized(cidr, smallest)}"',
        )


def _private_network(config: Config) -> Iterator[Fault]:
    if not any(config.network.cidr.subnet_of(private) for private in _PRIVATE):
        yield Fault(
            (("network", "cidr"),),
            f"{config.network.cidr} is not private",
            f"take a block of {', '.join(map(str, _PRIVATE))}",
        )


def _consumer_networks(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        keys: tuple[KeyPath, ...] = (("consumers", position, "cidr"),)
        cidr = consumer.cidr
        if cidr.is_loopback or cidr.is_link_local or cidr.is_multicast:
            yield Fault(keys, f"{cidr} cannot be a VPC's", 'take one such as "10.30.0.0/16"')
        elif cidr.prefixlen < _LARGEST_PREFIX:
            yield Fault(keys, "is larger than a VPC may be", f'write "{_resized(cidr, 16)}"')
        elif cidr.prefixlen > _SMALLEST_CONSUMER and consumer.vpc_id is None:
            yield Fault(
                keys,
                "has no room for a subnet in each zone",
                f'write "{_resized(cidr, _SMALLEST_CONSUMER)}"',
            )


def _consumer_names(config: Config) -> Iterator[Fault]:
    names = Counter(consumer.name for consumer in config.consumers)
    seen: set[str] = set()
    for position, consumer in enumerate(config.consumers):
        if consumer.name in seen:
            keys: tuple[KeyPath, ...] = tuple(
                ("consumers", other, "name")
                for other in (position, *range(position))
                if config.consumers[other].name == consumer.name
            )
            yield Fault(
                keys,
                f'"{consumer.name}" is used already',
                f'write "{_unused(consumer.name, names)}"',
            )
        seen.add(consumer.name)


def _open_to_all(config: Config) -> Iterator[Fault]:
    # https://docs.aws.amazon.com/vpc/latest/privatelink/configure-endpoint-service.html
    link = config.privatelink
    if "*" in link.allow and not link.acceptance:
        yield Fault(
            (("privatelink", "acceptance"), ("privatelink", "allow")),
            'with allow = ["*"] this lets every AWS account in',
            "write acceptance = true, or name the accounts in allow",
        )


def _fargate_sizes(config: Config) -> Iterator[Fault]:
    if config.capacity.provider != "fargate":
        return
    cpu, memory = config.service.cpu, config.service.memory
    keys: tuple[KeyPath, ...] = (("service", "cpu"), ("capacity", "provider"))
    if cpu not in _FARGATE:
        nearest = min(_FARGATE, key=lambda size: abs(size - cpu))
        yield Fault(keys, f"Fargate has no size of {cpu} CPU units", f"write {nearest}")
    elif memory not in _FARGATE[cpu]:
        sizes = _FARGATE[cpu]
        nearest = min((size for size in sizes if size >= memory), default=sizes[-1])
        yield Fault(
            (("service", "memory"), *keys),
            f"Fargate has no {memory} MiB with {cpu} CPU units",
            f"write {nearest}",
        )


def _reserved_variables(config: Config) -> Iterator[Fault]:
    reserved = {"AWS_REGION": "the region"}
    if config.database:
        parts = ("HOST", "PORT", "NAME", "USERNAME", "PASSWORD")
        reserved |= dict.fromkeys((f"DATABASE_{part}" for part in parts), "[database]")
    if config.assets:
        reserved["ASSETS_BUCKET"] = "[assets]"
    if config.files:
        reserved["FILES_PATH"] = "[files]"
    for name in config.service.environment:
        if name in reserved:
            yield Fault(
                (("service", "environment", name),),
                f"underpass sets it itself, from {reserved[name]}",
                "leave it out or give it another name",
            )


def _mount_point(config: Config) -> Iterator[Fault]:
    if not config.files:
        return
    mount = PurePosixPath(config.files.mount)
    in_kernel = any(mount.is_relative_to(top) for top in _KERNEL_MOUNTS)
    if (
        ".." in mount.parts
        or mount == PurePosixPath("/")
        or str(mount) in _SYSTEM_MOUNTS
        or in_kernel
    ):
        yield Fault(
            (("files", "mount"),),
            f'"{config.files.mount}" would hide the container\'s own files',
            'write one such as "/data"',
        )


def _engine_version(config: Config) -> Iterator[Fault]:
    if not config.database:
        return
    engine, version = config.database.engine, config.database.version
    majors, usual = _ENGINES[engine]
    if int(version.split(".")[0]) not in majors:
        yield Fault(
            (("database", "version"), ("database", "engine")),
            f"{engine} has no version {version}",
            f'write "{usual}"',
        )


def _certificate_region(config: Config) -> Iterator[Fault]:
    if config.tls and config.tls.certificate.split(":")[3] != config.region:
        yield Fault(
            (("tls", "certificate"), ("region",)),
            f"a load balancer in {config.region} cannot use a certificate of another region",
        )


def _resized(cidr: IPv4Network, prefix: int) -> IPv4Network:
    return IPv4Network((cidr.network_address, prefix), strict=False)


def _unused(name: str, names: Iterable[str]) -> str:
    taken = set(names)
    return next(other for n in range(2, len(taken) + 3) if (other := f"{name}-{n}") not in taken)


_RULES: tuple[Callable[[Config], Iterator[Fault]], ...] = (
    _reserved_name,
    _one_source,
    _least_and_most,
    _network_size,
    _private_network,
    _consumer_networks,
    _consumer_names,
    _open_to_all,
    _fargate_sizes,
    _reserved_variables,
    _mount_point,
    _engine_version,
    _certificate_region,
)
