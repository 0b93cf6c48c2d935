"""Rules of the region and of ``[network]``: a VPC of our own, or one that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from underpass.config.facts import regions
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated, nearest_region, resized

_PRIVATE = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28  # of a VPC
_SMALLEST_OURS = 23  # see blueprint.addresses, which cuts app subnets of /26 from it
_CIDR: KeyPath = ("network", "cidr")
_VPC: KeyPath = ("network", "vpc_id")
PARTITION = "aws"
# There endpoints are called cn.com.amazonaws.REGION.SERVICE, as China's page shows.
_PARTITIONS = (
    "https://docs.amazonaws.cn/en_us/vpc/latest/privatelink/"
    "aws-services-cross-region-privatelink-support.html"
)
SIZES = docs("vpc/latest/userguide/vpc-cidr-blocks")
_ALB_SUBNETS = docs("elasticloadbalancing/latest/application/application-load-balancers")


def _region(config: Config) -> Iterator[Fault]:
    if config.region not in regions():
        what = f'there is no region "{config.region}"'
        source = docs("global-infrastructure/latest/regions/aws-regions")
        yield Fault((("region",),), what, nearest_region(config.region), source=source)
    elif (partition := regions()[config.region]) != PARTITION:
        yield Fault(
            (("region",),),
            f"is in {partition}, a partition of AWS whose endpoint services and service principals have "
            "other names; the templates are written for, and were tried in, none but aws",
            "take a region of that one",
            source=_PARTITIONS,
        )


def _size(config: Config) -> Iterator[Fault]:
    cidr = config.network.cidr
    if cidr.prefixlen < LARGEST_PREFIX:
        instead = f'write "{resized(cidr, LARGEST_PREFIX)}"'
        yield Fault((_CIDR,), "is larger than a VPC may be", instead, source=SIZES)
    if config.network.vpc_id:
        if cidr.prefixlen > SMALLEST_PREFIX:
            yield Fault(
                (_CIDR, _VPC), "is smaller than a VPC may be", "write the VPC's own", source=SIZES
            )
    elif cidr.prefixlen > _SMALLEST_OURS:
        yield Fault(
            (_CIDR,),
            "has no room for the balancers, endpoints, instances and tasks of a zone, which may need "
            "40 addresses of one subnet",
            f'write "{resized(cidr, _SMALLEST_OURS)}"',
            source=_ALB_SUBNETS,
        )


def _private(config: Config) -> Iterator[Fault]:
    cidr = config.network.cidr
    if not config.network.vpc_id and not any(cidr.subnet_of(block) for block in _PRIVATE):
        yield Fault(
            (_CIDR,),
            f"{cidr} is not private",
            f"take a block of {', '.join(map(str, _PRIVATE))}",
            source=SIZES,
        )


def _existing(config: Config) -> Iterator[Fault]:
    network = config.network
    tiers: tuple[tuple[KeyPath, tuple[str, ...]], ...] = (
        (("network", "app_subnets"), network.app_subnets),
        (("network", "data_subnets"), network.data_subnets),
    )
    for key, subnets in tiers:
        if subnets and not network.vpc_id:
            yield Fault(
                (key, _VPC), "names subnets, and not their VPC", "add vpc_id, or leave them out"
            )
        elif network.vpc_id and len(subnets) != network.zones:
            yield Fault(
                (key, _VPC, ("network", "zones")),
                f"needs a subnet in each of {network.zones} zones, and has {len(subnets)}",
                f"name {network.zones}"
                + (", or write zones = 3" if len(subnets) == 3 and network.zones == 2 else ""),
            )
    every = network.app_subnets + network.data_subnets
    at = first_repeated(every)
    if at is not None:
        key = tiers[0][0] if at < len(network.app_subnets) else tiers[1][0]
        yield Fault(
            (key, *(other for other, _ in tiers if other != key)),
            f'"{every[at]}" is there already: tasks and data have subnets of their own, one a zone',
            "name another",
        )


RULES: tuple[Rule, ...] = (_region, _size, _private, _existing)
