"""Rules of whom the NLB admits by address: blocks of ``[[consumers]]`` and ``privatelink.allow_cidrs``."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, collapse_addresses

from underpass.config.model import Config, Consumer
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, first_repeated

# This network, loopback, link-local, multicast: nobody's own
NEVER = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4")))
MOST_RULES = 60  # of a security group and a direction, unless the account's quota was raised
_ENFORCE: KeyPath = ("privatelink", "enforce")
_ALLOW_CIDRS: KeyPath = ("privatelink", "allow_cidrs")
_CONSUMERS: KeyPath = ("consumers",)
_GROUPS = docs("elasticloadbalancing/latest/network/load-balancer-security-groups")
_QUOTAS = docs("vpc/latest/userguide/amazon-vpc-limits")


def block_key(consumer: Consumer, position: int, number: int) -> KeyPath:
    """Return where the ``number``-th block of the consumer at ``position`` stands."""
    at: KeyPath = ("consumers", position)
    return (*at, "cidrs", number) if consumer.cidrs else (*at, "cidr")


def _named_or_off(config: Config) -> Iterator[Fault]:
    link = config.privatelink
    if link.enforce == "named" and not config.named_blocks:
        yield Fault(
            (_ENFORCE, _ALLOW_CIDRS, _CONSUMERS),
            "names nobody, and the NLB would admit nobody",
            'add [[consumers]] or allow_cidrs = ["10.1.0.0/16"], or write enforce = "off"',
            source=_GROUPS,
        )
    if link.enforce == "off" and link.allow_cidrs:
        yield Fault(
            (_ALLOW_CIDRS, _ENFORCE),
            'has no effect with enforce = "off"',
            'leave it out, or write enforce = "named"',
            source=_GROUPS,
        )


def _allowed_and_dropped(config: Config) -> Iterator[Fault]:
    """Whoever may ask for an endpoint, and whose addresses nobody named, gets one that answers nothing."""
    link = config.privatelink
    if not config.enforces or link.allow_cidrs:
        return
    known = {account for consumer in config.consumers if (account := consumer.named_account)}
    for position, principal in enumerate(link.allow):
        account = principal.split(":")[4] if principal != "*" else ""
        if account not in known:
            yield Fault(
                (("privatelink", "allow", position), _ALLOW_CIDRS, _ENFORCE, _CONSUMERS),
                f'"{principal}" is the account of none of [[consumers]], whose blocks alone the NLB admits: '
                "what comes by its endpoints would be dropped without a word",
                'write its addresses, allow_cidrs = ["10.1.0.0/16"], or enforce = "off"',
                source=_GROUPS,
            )


def _of_allow(config: Config) -> Iterator[Fault]:
    blocks = config.privatelink.allow_cidrs
    at = first_repeated(blocks)
    if at is not None:
        yield Fault(((*_ALLOW_CIDRS, at),), f'"{blocks[at]}" is there twice', "leave one out")
    for number, block in enumerate(blocks):
        yield from _nobodys((*_ALLOW_CIDRS, number), block)


def _of_consumers(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        key: KeyPath = ("consumers", position, "cidrs")
        given = consumer.model_fields_set
        if "cidrs" in given and not consumer.cidrs:
            yield Fault((key,), "is empty", 'name blocks, such as ["10.1.0.0/16"], or leave it out')
        elif {"cidr", "cidrs"} <= given:
            yield Fault((key, (*key[:-1], "cidr")), "is given together with cidr", "leave one out")
        at = first_repeated(consumer.cidrs)
        if at is not None:
            yield Fault(((*key, at),), f'"{consumer.cidrs[at]}" is there twice', "leave one out")
        for number, block in enumerate(consumer.cidrs[1:], 1):  # the first is its VPC's
            yield from _nobodys((*key, number), block)


def _nobodys(key: KeyPath, block: IPv4Network) -> Iterator[Fault]:
    if any(block.overlaps(never) for never in NEVER):
        what = f"{block} holds addresses that no client has"
        yield Fault((key,), what, 'write blocks such as "10.1.0.0/16"')


def _too_many(config: Config) -> Iterator[Fault]:
    for position, consumer in enumerate(config.consumers):
        if len(consumer.blocks) > MOST_RULES:
            yield _more(("consumers", position, "cidrs"), consumer.blocks, "its endpoint's")
            return
    if config.enforces and len(config.named_blocks) > MOST_RULES:
        last = ("consumers", len(config.consumers) - 1)
        key = _ALLOW_CIDRS if config.privatelink.allow_cidrs else last
        yield _more(key, config.named_blocks, "the NLB's")


def _more(key: KeyPath, blocks: tuple[IPv4Network, ...], whose: str) -> Fault:
    joined = len([*collapse_addresses(blocks)])
    fewer = f": joined with their neighbours, they are {joined}" if joined < len(blocks) else ""
    what = f"{len(blocks)} blocks are a rule each, and {whose} security group has {MOST_RULES}"
    return Fault((key, _CONSUMERS), what, f"write larger blocks{fewer}", source=_QUOTAS)


RULES: tuple[Rule, ...] = (
    _named_or_off,
    _allowed_and_dropped,
    _of_allow,
    _of_consumers,
    _too_many,
)
