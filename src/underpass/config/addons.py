"""What the add-ons' templates say, and what tasks get of it: decided here, before anything is deployed. Pure.

The idea is AWS Copilot's: an output of an add-on is a variable of the tasks, a secret's ARN is a secret of
theirs, and a managed policy's a policy of their role.
https://aws.github.io/copilot-cli/docs/developing/addons/workload/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from underpass.cloudformation.template import Template, from_document
from underpass.config.model import Addon, Config

_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105  a type
_BECOMES: dict[str, Literal["secret", "policy"]] = {
    _SECRET: "secret",
    "AWS::IAM::ManagedPolicy": "policy",
}


@dataclass(frozen=True)
class Output:
    """An output of an add-on, and what tasks get of it.

    Attributes
    ----------
    addon
        The add-on's name.
    name
        The output's, which no other add-on has.
    kind
        ``variable``; ``secret``: a variable with the value of the secret whose ARN it is; or ``policy``: a
        policy of the tasks' role.
    variable
        The variable's name; empty for a policy.
    own_key
        Of a secret: whether it says which key encrypts it.
    """

    addon: str
    name: str
    kind: Literal["variable", "secret", "policy"]
    variable: str
    own_key: bool = False

    def __str__(self) -> str:
        becomes = {
            "variable": self.variable,
            "secret": f"{self.variable}, with the secret's value",
            "policy": "a policy of their role",
        }
        return f"add-on {self.addon}: tasks get {self.name} as {becomes[self.kind]}"


def template(config: Config, addon: Addon) -> Template | None:
    """Return an add-on's template; None where it could not be read."""
    document = config.documents.get(addon.template)
    return from_document(document) if document else None


def outputs(config: Config) -> tuple[Output, ...]:
    """Return every add-on's outputs, in the order of the file."""
    return tuple(
        output
        for addon in config.addons
        if (found := template(config, addon))
        for output in _outputs(addon, found)
    )


def handed(config: Config) -> tuple[str, ...]:
    """Return what an add-on's parameter is given by its name: outputs of the foundation, and ``Name``."""
    names = ["Name", "VpcId", "VpcCidr", "AppSubnetIds", "DataSubnetIds", "TaskSecurityGroupId"]
    names += ["KeyArn", "TopicArn", "AccessLogsBucketName"]
    if config.instance:
        names += ["DatabaseInstanceId", "DatabaseEndpoint", "DatabasePort", "DatabaseName"]
        names += ["DatabaseSecretArn", "DatabaseUserSecretArn"]
    if config.files:
        names += ["FileSystemId", "AccessPointId"]
    if config.assets:
        names.append("BucketName")
    return tuple(names)


def earlier(config: Config, number: int) -> tuple[str, ...]:
    """Return the outputs of the add-ons before that one, which its parameters may be called like too."""
    before = [addon.label for addon in config.addons[:number]]
    return tuple(one.name for one in outputs(config) if one.addon in before)


def services(config: Config, *, only: Addon | None = None, given: str = "") -> frozenset[str]:
    """Return the services whose resources the add-ons have, as types name them: ``SQS``.

    Parameters
    ----------
    only
        Just this one's.
    given
        Only those of templates with a parameter of this name, which the foundation's output fills.
    """
    return frozenset(
        resource.type.split("::")[1]
        for addon in ([only] if only else config.addons)
        if (found := template(config, addon))
        and (not given or given in found.parameters.keys() - addon.parameters.keys())
        for resource in found.resources.values()
        if resource.type.startswith("AWS::")
    )


def _outputs(addon: Addon, found: Template) -> Iterator[Output]:
    for name, output in found.outputs.items():
        referred = found.resources.get(_referred(output.value))
        kind = _BECOMES.get(referred.type) if referred else None
        yield Output(
            addon.label,
            name,
            kind or "variable",
            "" if kind == "policy" else variable(name),
            bool(referred and kind == "secret" and "KmsKeyId" in referred.properties),
        )


def _referred(value: Any) -> str:
    """Return what ``value`` refers to, if it is a ``Ref`` and nothing else; empty if not."""
    name = value.get("Ref") if isinstance(value, dict) and len(value) == 1 else None
    return name if isinstance(name, str) else ""


def variable(output: str) -> str:
    """Return the variable an output becomes.

    Example
    -------
    >>> variable("QueueUrl"), variable("DLQArn"), variable("S3Bucket2Name")
    ('QUEUE_URL', 'DLQ_ARN', 'S3_BUCKET2_NAME')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", output).upper()
