"""What works, and opens more than the file seems to say: ``check`` and ``up`` warn of it. Pure, offline."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from underpass.config import addons
from underpass.config.model import Config
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules import wide
from underpass.config.rules.blocks import block_key
from underpass.config.rules.rule import Rule

# Endpoints by the service of a type, for services that tasks call themselves.
_CALLED_AT = {
    "DynamoDB": "dynamodb",
    "Kinesis": "kinesis-streams",
    "SNS": "sns",
    "SQS": "sqs",
    "StepFunctions": "states",
}


def _plain_across_accounts(config: Config) -> Iterator[Fault]:
    if config.tls or not config.production:
        return
    others: list[tuple[KeyPath, str]] = [
        (("consumers", position, "account" if consumer.account else "role"), account)
        for position, consumer in enumerate(config.consumers)
        if (account := consumer.named_account)
    ]
    for key, account in others[:1]:
        yield Fault(
            (key, ("tls",), ("production",)),
            f"account {account} comes by HTTP: PrivateLink is private, and encrypts nothing by itself",
            "add [tls] with a certificate, and to_tasks = true for the last hop",
        )


def _neighbours_of_an_existing_vpc(config: Config) -> Iterator[Fault]:
    """Yield each block that the provider's VPC has too: the NLB's group cannot tell whose an address is.

    In a VPC of our own nobody else has an interface, so the rule admits nobody but the consumer.
    """
    network = config.network
    if not network.vpc_id or not config.enforces:
        return
    for key, block in _blocks(config):
        if block.overlaps(network.cidr):
            both = block if block.subnet_of(network.cidr) else network.cidr
            yield Fault(
                (key, ("network", "cidr"), ("network", "vpc_id")),
                f"{block} is also in VPC {network.vpc_id}: its own hosts in {both} reach the NLB too, "
                "with no endpoint and unaccepted",
                "keep others out of that VPC, or use one of underpass's own",
            )


def _blocks(config: Config) -> Iterator[tuple[KeyPath, IPv4Network]]:
    for position, consumer in enumerate(config.consumers):
        for number, block in enumerate(consumer.blocks):
            yield block_key(consumer, position, number), block
    for number, block in enumerate(config.privatelink.allow_cidrs):
        yield ("privatelink", "allow_cidrs", number), block


def _unreached_addons(config: Config) -> Iterator[Fault]:
    """Yield each add-on of a service that tasks have no way to, for want of an endpoint."""
    network = config.network
    if network.egress != "endpoints" or network.vpc_id:
        return  # an existing VPC's endpoints are its owner's
    for number, addon in enumerate(config.addons):
        key: KeyPath = ("addons", number, "template")
        for service in sorted(addons.services(config, only=addon)):
            name = _CALLED_AT.get(service)
            if name and name not in network.endpoints:
                yield Fault(
                    (key, ("network", "endpoints")),
                    f'has resources of {service}, which tasks do not reach with egress = "endpoints"',
                    f'add "{name}" to [network] endpoints',
                )
            if service == "S3" and not network.buckets:
                yield Fault(
                    (key, ("network", "buckets")),
                    'has a bucket, and with egress = "endpoints" the way to S3 is open to named ones only',
                    "give it a BucketName, and name that in [network] buckets",
                )


ADVICE: tuple[Rule, ...] = (
    _plain_across_accounts,
    _neighbours_of_an_existing_vpc,
    _unreached_addons,
    *wide.ADVICE,
)
