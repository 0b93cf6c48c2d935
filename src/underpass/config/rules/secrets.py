"""Rules of ``secrets``, the application's and its sidecars': what ECS reads a variable's value from."""

from __future__ import annotations

from collections.abc import Iterator

from underpass.config import addons
from underpass.config.model import Config
from underpass.config.model.secrets import SHORT, Source, given, source
from underpass.config.problems import Fault, KeyPath, dotted
from underpass.config.rules.rule import Rule, docs, of_partition, of_region
from underpass.config.rules.service import environments, reserved_variables

_MOST_BYTES = 8_000  # of the 10,240 a role's inline policies may have, with room for the rest
_SECRETS: KeyPath = ("service", "secrets")
_FROM_SECRETS_MANAGER = docs("AmazonECS/latest/developerguide/secrets-envvar-secrets-manager")
_FROM_PARAMETERS = docs("AmazonECS/latest/developerguide/secrets-envvar-ssm-paramstore")


def _forms(config: Config) -> Iterator[Fault]:
    for key, text in given(config.service).items():
        if found := source(text):
            yield from _of(config, key, found)
        else:
            yield Fault((key,), *_malformed(config, text))


def _malformed(config: Config, text: str) -> tuple[str, str, tuple[()], str]:
    """Return what is wrong with the text, which is not repeated: it may be the secret itself."""
    secret = f'"arn:aws:secretsmanager:{config.region}:ACCOUNT:secret:NAME-AbCdEf"'
    if text.startswith(SHORT):
        told = "is no parameter's name", 'write it like "ssm:/notes/level"'
        return *told, (), _FROM_PARAMETERS
    if ":ssm:" in text:
        arn = f'"arn:aws:ssm:{config.region}:ACCOUNT:parameter/NAME"'
        write = f'write {arn}, or "ssm:/NAME" for one of this account and region'
        return "is no parameter's ARN", write, (), _FROM_PARAMETERS
    if ":secretsmanager:" in text:
        parts = f'{secret}, and ":JSONKEY:STAGE:VERSION" after it for less than all of it'
        return "is no secret's ARN", f"write {parts}", (), _FROM_SECRETS_MANAGER
    return (
        "names no secret: a value has no place here",
        f'write {secret}, or "ssm:/NAME" for a parameter; a plain value goes in environment',
        (),
        _FROM_SECRETS_MANAGER,
    )


def _of(config: Config, key: KeyPath, found: Source) -> Iterator[Fault]:
    if (found.key or found.stage or found.version) and not found.whole:
        yield Fault(
            (key,),
            "names a key or a version, which needs the whole ARN: the six characters at the end of the "
            "name are missing",
            "copy the ARN that `aws secretsmanager describe-secret` shows",
            source=_FROM_SECRETS_MANAGER,
        )
    if found.stage and found.version:
        yield Fault(
            (key,),
            f'names the version twice, by "{found.stage}" and by "{found.version}"',
            "leave one of them out, and its colon where it is",
            source=_FROM_SECRETS_MANAGER,
        )
    if not found.partition:
        return
    place = [*of_partition(config, key, found.arn)]
    place = place or [*of_region(config, key, found.region, docs("general/latest/gr/asm"))]
    yield from place
    if not place and found.region != config.region and config.network.egress == "endpoints":
        what = f"is in {found.region}, and endpoints lead to the services of {config.region} only"
        where = "Secrets Manager replicates secrets" if found.kind == "secret" else "copy it"
        yield Fault((key, ("region",), ("network", "egress")), what, f"{where}: name one here")


def _clashes(config: Config) -> Iterator[Fault]:
    taken = reserved_variables(config)
    taken |= {one.variable: "an add-on" for one in addons.outputs(config) if one.variable}
    for name in config.service.secrets:
        key = (*_SECRETS, name)
        if name in taken:
            what = f"underpass sets it itself, from {taken[name]}"
            yield Fault((key,), what, "leave it out or give it another name")
        for path, variables in environments(config).items():
            if name in variables:
                what = f"is in {dotted(path)} too, and ECS takes a variable once"
                yield Fault((key, (*path, name)), what, "leave it out of one of them")
    for at, one in enumerate(config.service.sidecars):
        place: KeyPath = ("service", "sidecars", at)
        for name in one.secrets:
            key = (*place, "secrets", name)
            if name == "AWS_REGION":
                yield Fault((key,), "underpass sets it itself, from the region", "leave it out")
            if name in one.environment:
                plain = (*place, "environment", name)
                what = "is in the sidecar's environment too, and ECS takes a variable once"
                yield Fault((key, plain), what, "leave it out of one of them")


def _size(config: Config) -> Iterator[Fault]:
    """Refuse more than a role can be allowed to read: each is named twice, for itself and for its key."""
    texts = given(config.service)
    named = {one.arn or one.name for text in texts.values() if (one := source(text))}
    size = 2 * sum(map(len, named))
    if size > _MOST_BYTES:
        yield Fault(
            tuple(dict.fromkeys(key[:-1] for key in texts)),
            f"are {len(named)} secrets and parameters, more than the role that starts tasks has room for",
            "put several values into one secret, as keys of its JSON",
            source=docs("IAM/latest/UserGuide/reference_iam-quotas"),
        )


RULES: tuple[Rule, ...] = (_forms, _clashes, _size)
