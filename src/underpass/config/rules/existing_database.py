"""Rules of ``[database] existing``: nothing of an instance is said beside it, and there is a way to it."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config.hints import quoted
from underpass.config.model import Config, ExistingDatabase
from underpass.config.problems import Fault, KeyPath
from underpass.config.rules.rule import Rule, docs, of_partition

_EXISTING: KeyPath = ("database", "existing")
_BESIDE = {"existing", "engine"}  # the engine says the port and what the twin stands in with
_SECRETS = docs("AmazonECS/latest/developerguide/secrets-envvar-secrets-manager")


def _alone(config: Config) -> Iterator[Fault]:
    if not _of(config):
        return
    assert config.database
    said = [name for name in type(config.database).model_fields if name not in _BESIDE]
    said = [name for name in said if name in config.database.model_fields_set]
    if said:
        yield Fault(
            (("database", said[0]), _EXISTING),
            f"is of an instance that underpass makes, and `existing` names one: {', '.join(said)}",
            "leave them out; a database's name is existing.name"
            if "name" in said
            else "leave them out",
        )


def _way(config: Config) -> Iterator[Fault]:
    """Refuse one without the VPC that reaches it: a group of another VPC is named in no rule."""
    if _of(config) and not config.network.vpc_id:
        yield Fault(
            (_EXISTING, ("network", "vpc_id")),
            "is in a VPC that is there already, and underpass would make another, without a way to it",
            "name that VPC, or one that is peered with it, by [network] vpc_id",
            source=docs("vpc/latest/peering/vpc-peering-security-groups"),
        )


def _twice(config: Config) -> Iterator[Fault]:
    """Refuse a way out that leads to it too: EC2 takes no rule twice."""
    found = _of(config)
    for at, way in enumerate(config.network.allow_out if found else ()):
        assert found
        assert config.database
        if (way.port, way.security_group) == (config.database.port, found.security_group):
            yield Fault(
                (("network", "allow_out", at), _EXISTING),
                "leads to the database, which the tasks reach already",
                "leave it out",
            )


def _secret(config: Config) -> Iterator[Fault]:
    found = _of(config)
    if not found:
        return
    for name, value in (("secret", found.secret), ("kms_key", found.kms_key)):
        if value is None:
            continue
        key = (*_EXISTING, name)
        yield from of_partition(config, key, value)
        region = value.split(":")[3]
        if region != config.region and value.split(":")[1] == "aws":
            yield Fault(
                (key, ("region",)),
                f"is in {region}, and the tasks are in {config.region}",
                "name one of the same region: a secret can be replicated to it",
                source=_SECRETS,
            )
    accounts = {arn.split(":")[4] for arn in (found.secret, found.kms_key) if arn}
    if len(accounts) > 1:
        yield Fault(
            ((*_EXISTING, "kms_key"), (*_EXISTING, "secret")),
            "is of another account than the secret",
            "name the key the secret is encrypted with",
            source=docs("secretsmanager/latest/userguide/security-encryption"),
        )


def _host(config: Config) -> Iterator[Fault]:
    found = _of(config)
    if found and found.host and "." not in found.host:
        yield Fault(
            ((*_EXISTING, "host"),),
            f"{quoted(found.host)} is no name that a VPC resolves",
            "write the endpoint's whole name",
        )


def _of(config: Config) -> ExistingDatabase | None:
    return config.database.existing if config.database else None


RULES: tuple[Rule, ...] = (_alone, _way, _twice, _secret, _host)
