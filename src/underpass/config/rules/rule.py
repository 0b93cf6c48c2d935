"""What every rule is made of: its type, and where AWS's documents are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import TypeAlias, TypeVar

from underpass.config.facts import regions
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath

Rule: TypeAlias = Callable[[Config], Iterator[Fault]]
T = TypeVar("T")

DOCS = "https://docs.aws.amazon.com"


def docs(path: str) -> str:
    """Return the address of a page of AWS's documentation."""
    return f"{DOCS}/{path}.html"


def first_repeated(values: Sequence[T]) -> int | None:
    """Return the position of the first value that was there before, or None."""
    return next((at for at, value in enumerate(values) if value in values[:at]), None)


def resized(cidr: IPv4Network, prefix: int) -> IPv4Network:
    """Return the block of that size that holds, or starts at, ``cidr``."""
    return IPv4Network((cidr.network_address, prefix), strict=False)


def of_partition(config: Config, key: KeyPath, arn: str) -> Iterator[Fault]:
    """Yield the fault of an ARN of another partition of AWS than the region's."""
    partition = regions().get(config.region, "")
    if partition and arn.split(":")[1] != partition:
        yield Fault(
            (key, ("region",)),
            f"is of another partition of AWS than {config.region}",
            f'there it starts with "arn:{partition}:"',
            source=docs("IAM/latest/UserGuide/reference-arns"),
        )


def of_region(config: Config, key: KeyPath, region: str, source: str) -> Iterator[Fault]:
    """Yield the fault of a region that is none, or cannot be reached from the service's own."""
    if region not in regions():
        what = f'there is no region "{region}"'
        yield Fault((key,), what, nearest_region(region), source=source)
    elif regions()[region] != regions().get(config.region, regions()[region]):
        what = f"is in another partition of AWS than {config.region}"
        yield Fault((key, ("region",)), what, "leave it out", source=source)


def nearest_region(name: str) -> str:
    """Return the suggestion of the region that was meant; empty if none is near."""
    near = get_close_matches(name, [*regions()], n=1, cutoff=0.8)
    return f'did you mean "{near[0]}"?' if near else ""
