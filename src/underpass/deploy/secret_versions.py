"""What the secrets hold now, as a word that changes when any of them does; no value is read.

A task reads its secrets when it starts. The word is a parameter of the stacks with tasks, and a label of
their containers, so that a deployment starts new tasks after a secret was changed. What only sidecars read
has a word of its own: it is no reason to run a release again.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from botocore.exceptions import ClientError

from underpass.blueprint.service.secrets import BESIDE, VERSIONS, beside, of_addons, read
from underpass.config import Config
from underpass.config.model.secrets import Source, source

_LETTERS = 12
_CURRENT = "AWSCURRENT"
# The role may not look, or it is not there.
_UNSEEN = {"AccessDeniedException", "ResourceNotFoundException", "ParameterNotFound"}


def current(
    client: Callable[[str], Any], config: Config, handed: Mapping[str, str | None]
) -> dict[str, str]:
    """Return the parameters' values by their names; none where there are no secrets.

    ``handed`` are the outputs of earlier stacks, the ARNs of add-ons' secrets among them.
    """
    made = (source(handed.get(name) or "") for name in of_addons(config))
    every = {
        VERSIONS: [*read(config), *(one for one in made if one)],
        BESIDE: [*beside(config)],
    }
    look = cache(partial(_version, client, config))
    return {name: _word(look, found) for name, found in every.items() if found}


def _word(look: Callable[[Source], str], found: Iterable[Source]) -> str:
    # What is read in two versions is there twice.
    told = sorted({f"{one.arn or one.name} {look(replace(one, key=''))}" for one in found})
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:_LETTERS]


def _version(client: Callable[[str], Any], config: Config, one: Source) -> str:
    """Return which version it is; nothing for one that cannot be asked about from here."""
    if one.region not in {"", config.region}:
        return ""
    try:
        return (_of_secret if one.kind == "secret" else _of_parameter)(client, one)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNSEEN:
            raise
        return ""  # ECS says so when a task starts


def _of_secret(client: Callable[[str], Any], one: Source) -> str:
    found = client("secretsmanager").describe_secret(SecretId=one.arn)
    labels = found.get("VersionIdsToStages", {})
    wanted = one.stage or _CURRENT
    return one.version or next((key for key, has in labels.items() if wanted in has), "")


def _of_parameter(client: Callable[[str], Any], one: Source) -> str:
    asked = {"Key": "Name", "Option": "Equals", "Values": [one.bare_name]}
    found = client("ssm").describe_parameters(ParameterFilters=[asked])["Parameters"]
    return str(found[0]["Version"]) if found else ""
