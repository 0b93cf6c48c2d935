"""The user's own secrets: what a container is given of them, and what starts it may read them.

Which key encrypts a secret only its owner knows: any key of the secret's account may be used, and only
through the service that keeps the secret, for that secret. AWS's own keys need none of it, a key of the
customer's has to allow it in its policy, and so have a secret and a key of another account.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from troposphere import Parameter, Ref, Sub, Template
from troposphere.ecs import Secret

from underpass.blueprint.addons.outputs import PREFIX, outputs
from underpass.blueprint.iam import Statement, allow, arn, via
from underpass.config import Config
from underpass.config.model.secrets import Source, source

VERSIONS = "SecretVersions"
"""The parameter that changes when what a secret holds does: tasks read it once, when they start."""

BESIDE = "SidecarSecretVersions"
"""The same for what only sidecars read: a release, a worker and a job have nothing to do with it."""

_LABEL = "underpass.secrets"
_SERVICES = {"secret": "secretsmanager", "parameter": "ssm"}
_ACTIONS = {"secret": "secretsmanager:GetSecretValue", "parameter": "ssm:GetParameters"}
_CONTEXTS = {"secret": "SecretARN", "parameter": "PARAMETER_ARN"}


def own(config: Config) -> tuple[Source, ...]:
    """Return where the application's values are."""
    return tuple(one for text in config.service.secrets.values() if (one := source(text)))


def beside(config: Config) -> tuple[Source, ...]:
    """Return where the sidecars' values are."""
    texts = [text for sidecar in config.service.sidecars for text in sidecar.secrets.values()]
    return tuple(one for text in texts if (one := source(text)))


def read(config: Config) -> tuple[Source, ...]:
    """Return everything of others that the application reads: an existing database's secret too."""
    existing = config.database.existing if config.database else None
    of_database = source(existing.secret) if existing else None
    return (*own(config), *([of_database] if of_database else []))


def of_addons(config: Config) -> tuple[str, ...]:
    """Return the parameters that hold the ARNs of add-ons' secrets, which tasks read as well."""
    return tuple(f"{PREFIX}{one.name}" for one in outputs(config) if one.kind == "secret")


def _are_read(config: Config) -> bool:
    return bool(read(config) or of_addons(config))


def add_versions(template: Template, config: Config) -> None:
    """Add the parameter that starts new tasks when a secret has another value."""
    if _are_read(config):
        _add(template, VERSIONS, "the secrets")


def add_versions_beside(template: Template, config: Config) -> None:
    """Add the parameter that starts new tasks when a sidecar's secret has another value."""
    if beside(config):
        _add(template, BESIDE, "the sidecars' secrets")


def _add(template: Template, name: str, whose: str) -> None:
    told = f"Changes when what {whose} hold does, so that new tasks are started"
    template.add_parameter(Parameter(name, Type="String", Default="-", Description=told))


def labels(config: Config) -> dict[str, Ref]:
    """Return the label that tells ECS that tasks with another secret are not the same."""
    return {_LABEL: Ref(VERSIONS)} if _are_read(config) else {}


def labels_beside() -> dict[str, Ref]:
    """Return the label of a sidecar that has secrets."""
    return {_LABEL: Ref(BESIDE)}


def entries(secrets: Mapping[str, str]) -> list[Secret]:
    """Return what a container gets of its ``secrets``."""
    return [
        Secret(Name=name, ValueFrom=one.value_from or _of_account(one))
        for name, text in sorted(secrets.items())
        if (one := source(text))
    ]


def statements(sources: Iterable[Source]) -> Iterator[Statement]:
    """Yield what it takes to read them, and nothing beside."""
    every = [*sources]
    there = sorted({(one.kind, one.region, one.account) for one in every})
    for kind, region, account in there:
        of_place = {
            one.name: one
            for one in every
            if (one.kind, one.region, one.account) == (kind, region, account)
        }
        resources = [_resource(one) for _, one in sorted(of_place.items())]
        yield allow([_ACTIONS[kind]], resources)
        partition = next(iter(of_place.values())).partition
        keys = f"arn:{partition}:kms:{region}:{account}:key/*" if partition else arn("kms", "key/*")
        condition = via(_SERVICES[kind], region)
        condition["StringLike"] = {f"kms:EncryptionContext:{_CONTEXTS[kind]}": resources}
        yield allow(["kms:Decrypt"], keys, condition)


def _resource(one: Source) -> str | Sub:
    """Return what IAM calls it, with any six characters at the end of a secret's ARN that has none."""
    return (one.arn if one.whole else f"{one.arn}-??????") if one.partition else _of_account(one)


def _of_account(one: Source) -> Sub:
    return arn("ssm", f"parameter/{one.name}")
