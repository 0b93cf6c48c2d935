"""Rules of ``[[consumers]]``: who they are, and where their endpoints go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from underpass.config.model import Config, Consumer
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.blocks import NEVER, block_key
from underpass.config.rules.network import LARGEST_PREFIX, SIZES, SMALLEST_PREFIX
from underpass.config.rules.privatelink import ACROSS_REGIONS, PRIVATE_NAMES
from underpass.config.rules.rule import (
    Rule,
    docs,
    first_repeated,
    of_partition,
    of_region,
    resized,
)

_SMALLEST = 26  # a /28 in each of up to four zones
_ENDPOINTS = docs("vpc/latest/privatelink/create-endpoint-service")
_ZONES = docs("Route53/latest/DeveloperGuide/hosted-zone-private-considerations")


def _networks(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        keys: tuple[KeyPath, ...] = (block_key(consumer, position, 0),)
        cidr = consumer.blocks[0]
        if any(cidr.overlaps(block) for block in NEVER):
            instead = 'take one such as "10.30.0.0/16"'
            yield Fault(keys, f"{cidr} cannot be a VPC's", instead, source=SIZES)
        elif cidr.prefixlen < LARGEST_PREFIX:
            instead = f'write "{resized(cidr, LARGEST_PREFIX)}"'
            yield Fault(keys, "is larger than a VPC may be", instead, source=SIZES)
        elif consumer.vpc_id and cidr.prefixlen > SMALLEST_PREFIX:
            vpc: KeyPath = ("consumers", position, "vpc_id")
            what = "is smaller than a VPC may be"
            yield Fault((*keys, vpc), what, "write the VPC's own", source=SIZES)
        elif cidr.prefixlen > _SMALLEST and consumer.vpc_id is None:
            instead = f'write "{resized(cidr, _SMALLEST)}"'
            yield Fault(keys, "has no room for a subnet in each zone", instead, source=SIZES)


def _names(config: Config) -> Iterator[Fault]:
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


def _places(config: Config) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for position, consumer in enumerate(config.consumers):
        vpc: KeyPath = ("consumers", position, "vpc_id")
        subnets: KeyPath = ("consumers", position, "subnet_ids")
        if consumer.subnet_ids and not consumer.vpc_id:
            yield Fault((subnets, vpc), "names subnets, and not their VPC", "add vpc_id")
        if consumer.vpc_id and not consumer.subnet_ids:
            yield Fault(
                (vpc, subnets),
                "names a VPC, and not the endpoint's subnets in it",
                'add subnet_ids = ["subnet-..."], one in each zone',
                source=_ENDPOINTS,
            )
        at = first_repeated(consumer.subnet_ids)
        if at is not None:
            yield Fault((subnets,), f'"{consumer.subnet_ids[at]}" is there twice', "leave one out")
        if consumer.vpc_id and consumer.vpc_id in seen:
            yield Fault(
                (vpc, ("consumers", seen[consumer.vpc_id], "vpc_id")),
                f"is also {config.consumers[seen[consumer.vpc_id]].name}'s, and in one VPC only one "
                f"private hosted zone may be called {config.domain}",
                "leave one of the two out: everybody in a VPC may use its endpoint",
                source=_ZONES,
            )
        elif other := next(
            (one for one in config.consumers[:position] if _share(one, consumer)), None
        ):
            yield Fault(
                (subnets, vpc),
                f"holds a subnet of {other.name}'s, and a subnet is in one VPC",
                "name subnets of its own VPC",
                source=_ENDPOINTS,
            )
        if consumer.vpc_id:
            seen.setdefault(consumer.vpc_id, position)


def _share(one: Consumer, other: Consumer) -> bool:
    return not {*one.subnet_ids}.isdisjoint(other.subnet_ids)


def _regions(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        if consumer.region:
            key: KeyPath = ("consumers", position, "region")
            yield from of_region(config, key, consumer.region, ACROSS_REGIONS)


def _private_dns(config: Config) -> Iterator[Fault]:
    named: KeyPath = ("privatelink", "private_dns_name")
    for position, consumer in enumerate(config.consumers):
        key: KeyPath = ("consumers", position, "private_dns")
        if not consumer.private_dns:
            continue
        if not config.privatelink.private_dns_name:
            what, instead = "the service has no private_dns_name", "add one to [privatelink]"
            yield Fault((key, named), what, f"{instead}, or leave this out", source=PRIVATE_NAMES)
        elif config.privatelink.private_dns_name == config.domain:
            yield Fault(
                (key, named, ("privatelink", "domain")),
                f"{config.domain} is also the name of a private hosted zone in its VPC, and one VPC "
                "cannot have both",
                "write another domain, or leave this out",
                source=PRIVATE_NAMES,
            )


def _ways_in(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        role: KeyPath = ("consumers", position, "role")
        if consumer.role and consumer.profile:
            yield Fault(
                (role, ("consumers", position, "profile")),
                "is given together with profile",
                "leave one out; a profile may assume a role itself",
                source=docs("cli/latest/userguide/cli-configure-role"),
            )
        if consumer.role:
            yield from of_partition(config, role, consumer.role)
        if wrong := _other_account(consumer):
            yield Fault(
                (role, ("consumers", position, "account")),
                f"is of account {wrong}, and account is {consumer.account}",
                f'write account = "{wrong}", or a role of {consumer.account}',
            )


def _other_account(consumer: Consumer) -> str:
    if not consumer.role or not consumer.account:
        return ""
    account = consumer.role.split(":")[4]
    return account if account != consumer.account else ""


def _unused(name: str, names: Iterable[str]) -> str:
    taken = set(names)
    return next(other for n in range(2, len(taken) + 3) if (other := f"{name}-{n}") not in taken)


RULES: tuple[Rule, ...] = (_networks, _names, _places, _regions, _private_dns, _ways_in)
