"""The user's own secrets: what a container is given of them, and what starts it may read them.

Which key encrypts a secret only its owner knows: any key of the secret's account may be used, and only
through the service that keeps the secret, for that secret. AWS's own keys need none of it, a key of the
customer's has to allow it in its policy, and so have a secret and a key of another account.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from troposphere import Parameter, Ref, Sub, Template
from troposphere.ecs import Secret

from underpass.blueprint.addons.outputs import PREFIX, outputs
from underpass.blueprint.iam import Statement, allow, arn, via
from underpass.config import Config
from underpass.config.model.secrets import Source, given, source
from underpass.config.problems import KeyPath

VERSIONS = "SecretVersions"
"""The parameter that changes when what a secret holds does: tasks read it once, when they start."""

_SERVICES = {"secret": "secretsmanager", "parameter": "ssm"}
_ACTIONS = {"secret": "secretsmanager:GetSecretValue", "parameter": "ssm:GetParameters"}
_CONTEXTS = {"secret": "SecretARN", "parameter": "PARAMETER_ARN"}


def sources(config: Config) -> dict[KeyPath, Source]:
    """Return where each variable's value is, the sidecars' too, by the variables' keys."""
    found = given(config.service).items()
    return {key: one for key, text in found if (one := source(text))}


def read(config: Config) -> tuple[Source, ...]:
    """Return everything of others that tasks read when they start: an existing database's secret too."""
    existing = config.database.existing if config.database else None
    of_database = source(existing.secret) if existing else None
    return (*sources(config).values(), *([of_database] if of_database else []))


def of_addons(config: Config) -> tuple[str, ...]:
    """Return the parameters that hold the ARNs of add-ons' secrets, which tasks read as well."""
    return tuple(f"{PREFIX}{one.name}" for one in outputs(config) if one.kind == "secret")


def _are_read(config: Config) -> bool:
    return bool(read(config) or of_addons(config))


def add_versions(template: Template, config: Config) -> None:
    """Add the parameter that starts new tasks when a secret has another value."""
    if _are_read(config):
        told = "Changes when what the secrets hold does, so that new tasks are started"
        template.add_parameter(Parameter(VERSIONS, Type="String", Default="-", Description=told))


def labels(config: Config) -> dict[str, Ref]:
    """Return the label that tells ECS that tasks with another secret are not the same."""
    return {"underpass.secrets": Ref(VERSIONS)} if _are_read(config) else {}


def entries(secrets: Mapping[str, str]) -> list[Secret]:
    """Return what a container gets of its ``secrets``."""
    return [
        Secret(Name=name, ValueFrom=one.value_from or _own(one))
        for name, text in sorted(secrets.items())
        if (one := source(text))
    ]


def statements(config: Config) -> Iterator[Statement]:
    """Yield what it takes to read them, and nothing beside."""
    there = sorted({(one.kind, one.region, one.account) for one in sources(config).values()})
    for kind, region, account in there:
        of_place = {
            one.name: one
            for one in sources(config).values()
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
    return (one.arn if one.whole else f"{one.arn}-??????") if one.partition else _own(one)


def _own(one: Source) -> Sub:
    return arn("ssm", f"parameter/{one.name}")
